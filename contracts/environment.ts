import { z } from 'zod';

/** Environment of every server process (API and workers); `npm start` sets it for its children. */
export const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  TEMPORAL_ADDRESS: z.string().regex(/^.+:\d+$/, 'host:port'),
  TEMPORAL_UI_URL: z.url().optional(),
  /** Root of the users' file store; JOBS and (unless SPECTRA_DIR is given) SPECTRA lie in it. */
  FILES_DIR: z.string().min(1),
  /** Scratch space on the same file system as FILES_DIR: uploads in progress. */
  TEMP_DIR: z.string().min(1),
  /** Root of the object store (parts, manifests). */
  OBJECTS_DIR: z.string().min(1),
  /** An existing archive, mounted read-only as /SPECTRA. */
  SPECTRA_DIR: z.string().min(1).optional(),
  HOST: z.enum(['127.0.0.1', '::1', 'localhost']).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(10000),
  /** Origins beside our own whose pages may call the API, with commas between. */
  CORS_ORIGINS: z
    .string()
    .default('http://localhost:10300')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    ),
  /**
   * A connection is cut off where nothing moves for so long while an answer or a body is on its way. Event streams move
   * every 15 s.
   */
  STALL_SECONDS: z.coerce.number().int().min(30).max(86_400).default(120),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** So many bytes of parts are kept for later jobs over the same files; the oldest go first. */
  PARTS_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(20 * 1024 ** 3),
  /** Threads of one cpu worker; the machine's cores when absent. */
  CPU_THREADS: z.coerce.number().int().min(1).max(256).optional(),
  /** auto: a cpu worker fetches native TensorFlow in the background where it is absent (docs/tensorflow.md). */
  TENSORFLOW_SETUP: z.enum(['auto', 'never']).default('auto'),
});
export type Environment = z.infer<typeof Environment>;

/**
 * Reads the environment; an empty variable counts as absent.
 * @throws Error naming every wrong or missing variable at once
 */
export function readEnvironment(variables: Record<string, string | undefined>): Environment {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`The environment is not right:\n${problems.join('\n')}`);
}
