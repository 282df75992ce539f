import { examine, type Finding } from '../deploy/doctor.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const WORDS: Record<Finding['state'], string> = { ok: 'OK', note: 'note', missing: 'MISSING' };

export interface DoctorCommandOptions {
  data: string;
  setUp?: boolean;
  json?: boolean;
}

/** Says what was found on this machine and what is missing. @returns failed where anything is missing */
export async function doctor(options: DoctorCommandOptions): Promise<ExitCode> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
  const findings = await examine({
    data: options.data,
    setUp: options.setUp ?? false,
    say: (message) => process.stderr.write(`${message}\n`),
    signal: interrupt.signal,
  });
  const ok = findings.every(({ state }) => state !== 'missing');
  if (options.json) console.log(JSON.stringify({ ok, findings }));
  else for (const finding of findings) console.log(line(finding));
  return ok ? EXIT.ok : EXIT.failed;
}

/** One line a finding, whatever a failed program had to say. */
export function line({ name, state, found, action }: Finding): string {
  const words = action === undefined ? found : `${found} → ${action}`;
  return `${WORDS[state].padEnd(8)} ${name.padEnd(16)} ${words.replace(/\s*\n\s*/g, ' ')}`;
}
