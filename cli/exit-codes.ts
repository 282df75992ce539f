/** What the process ends with; told in --help. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Wrong usage that only a command can see. */
export function usage(message: string): ExitCode {
  process.stderr.write(`${message}\n`);
  return EXIT.usage;
}
