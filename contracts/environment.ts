import { z } from 'zod';
import { parseS3Url, type S3Location, type StorageLocation } from './storage-location.ts';

/** A directory, or `s3://bucket/prefix`. */
const StorageUrl = z
  .string()
  .min(1)
  .refine(
    (url) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(url) || parseS3Url(url),
    'is a directory, or s3://bucket/prefix',
  );

/** A name, an IPv4 address, or an IPv6 address in brackets: as in a URL. */
const HOST_NAME = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;

/** The parts of a list with commas between. */
function listed(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

/** Environment of every server process (API and workers); `npm start` sets it for its children. */
export const Environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** A file that holds the password of DATABASE_URL's user, as container platforms hand secrets out. */
  DATABASE_PASSWORD_FILE: z.string().min(1).optional(),
  TEMPORAL_ADDRESS: z.string().regex(/^.+:\d+$/, 'host:port'),
  TEMPORAL_UI_URL: z.url().optional(),
  /** Root of the users' file store; JOBS and (unless SPECTRA_URL is given) SPECTRA lie in it. */
  FILES_URL: StorageUrl,
  /** An existing archive, read-only as /SPECTRA; of the same kind as FILES_URL. */
  SPECTRA_URL: StorageUrl.optional(),
  /** Scratch space of a process: on the same file system as FILES_URL where that is a directory, else any. */
  TEMP_DIR: z.string().min(1),
  /** With FILES_URL on S3: so many bytes of its files are kept in TEMP_DIR, for what reads files only (HDF5). */
  CACHE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(20 * 1024 ** 3),
  /** The object store (parts, manifests, checkpoints). */
  OBJECTS_URL: StorageUrl,
  /** Where the S3 server is; Amazon's own when absent. */
  S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  S3_REGION: z.string().default('us-east-1'),
  /** Where browsers reach the S3 server, to fetch large files from it themselves; all goes through the API when absent. */
  S3_DOWNLOAD_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** For S3; where neither is set, others are looked for as Amazon's programs do. */
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  /** A file that holds it. */
  AWS_SECRET_ACCESS_KEY_FILE: z.string().min(1).optional(),
  /** The address that the API listens on. One that others reach is for containers, whose network says who they are. */
  HOST: z.union([z.ipv4(), z.ipv6(), z.literal('localhost')]).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(10000),
  /** Names beside `localhost` by which the API may be asked for: a request for another one (its `Host`) is refused. */
  ALLOWED_HOSTS: z
    .string()
    .transform(listed)
    .pipe(z.array(z.string().regex(HOST_NAME, 'names or addresses with commas between, without ports')))
    .optional(),
  /** Origins beside our own whose pages may call the API, with commas between. */
  CORS_ORIGINS: z.string().default('http://localhost:10300').transform(listed),
  /**
   * A connection is cut off where nothing moves for so long while an answer or a body is on its way. Event streams move
   * every 15 s.
   */
  STALL_SECONDS: z.coerce.number().int().min(30).max(86_400).default(120),
  /** Where a worker process serves its numbers to Prometheus, `host:port`; nowhere when absent. */
  METRICS_ADDRESS: z
    .string()
    .regex(/^[^:]+:\d+$/, 'host:port')
    .optional(),
  /** Base URL of an OpenTelemetry collector that takes OTLP over HTTP; no traces when absent. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
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

/** What `up` takes from the environment; the other variables it sets itself. */
const OfUp = Environment.omit({
  TEMP_DIR: true,
  SPECTRA_URL: true,
  HOST: true,
  PORT: true,
}).partial();

const OfDatabase = Environment.pick({ DATABASE_URL: true });

const KEY_PAIR = [
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'],
] as const;
const SECRETS: ReadonlySet<string> = new Set<keyof Environment>(['AWS_SECRET_ACCESS_KEY']);

/** Variables as a process has them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Says all that is wrong or missing in an environment; never a value, which may be a secret. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(['The environment is not right:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

/** What a file holds, as text. @throws where it can't be read */
export type ReadFile = (path: string) => string;

/**
 * Reads the environment of a server process; an empty variable counts as absent. What the files of DATABASE_PASSWORD_FILE and
 * AWS_SECRET_ACCESS_KEY_FILE hold is in DATABASE_URL and AWS_SECRET_ACCESS_KEY then.
 * @throws EnvironmentError naming every wrong or missing variable at once
 */
export function readEnvironment(variables: Variables, readFile: ReadFile): Environment {
  return read(Environment, variables, readFile);
}

/** DATABASE_URL, with the password of DATABASE_PASSWORD_FILE. @throws EnvironmentError */
export function readDatabaseUrl(variables: Variables, readFile: ReadFile): string {
  return read(OfDatabase, variables, readFile).DATABASE_URL;
}

/**
 * Reads what `up` takes from the environment, where nothing is required.
 * @throws EnvironmentError naming every wrong variable at once
 */
export function readEnvironmentOfUp(variables: Variables, readFile: ReadFile): z.infer<typeof OfUp> {
  return read(OfUp, variables, readFile);
}

/** Where an environment has its stores. */
export interface StorageLocations {
  objects: StorageLocation;
  files: StorageLocation;
  /** Absent: part of `files`. */
  spectra?: StorageLocation;
}

/** Where an environment has its stores. */
export function storageLocations({
  OBJECTS_URL,
  FILES_URL,
  SPECTRA_URL,
  S3_ENDPOINT,
  S3_REGION,
}: Environment): StorageLocations {
  const locationOf = (url: string): StorageLocation => {
    const s3 = parseS3Url(url);
    if (!s3) return { directory: url };
    return { ...s3, region: S3_REGION, ...(S3_ENDPOINT === undefined ? {} : { endpoint: S3_ENDPOINT }) };
  };
  return {
    objects: locationOf(OBJECTS_URL),
    files: locationOf(FILES_URL),
    ...(SPECTRA_URL === undefined ? {} : { spectra: locationOf(SPECTRA_URL) }),
  };
}

type StorageUrls = Partial<Pick<Environment, 'OBJECTS_URL' | 'FILES_URL' | 'SPECTRA_URL'>>;

/** What is wrong with the stores of an environment as far as each is right. */
export function storageProblems({ OBJECTS_URL, FILES_URL, SPECTRA_URL }: StorageUrls): string[] {
  const s3Of = (url: string | undefined) => (url === undefined ? undefined : parseS3Url(url));
  const [objects, files, spectra] = [OBJECTS_URL, FILES_URL, SPECTRA_URL].map(s3Of);
  const problems: string[] = [];
  if (FILES_URL !== undefined && SPECTRA_URL !== undefined && !files !== !spectra)
    problems.push('SPECTRA_URL and FILES_URL must both be directories, or both be on S3');
  if (files && spectra && overlap(files, spectra))
    problems.push('SPECTRA_URL and FILES_URL must not lie in each other');
  if (files && objects && overlap(files, objects))
    problems.push('OBJECTS_URL and FILES_URL must not lie in each other');
  return problems;
}

type Place = Pick<S3Location, 'bucket' | 'prefix'>;

function overlap(a: Place, b: Place): boolean {
  const rootOf = ({ bucket, prefix }: Place) => (prefix === '' ? `${bucket}/` : `${bucket}/${prefix}/`);
  return rootOf(a).startsWith(rootOf(b)) || rootOf(b).startsWith(rootOf(a));
}

function read<T>(schema: z.ZodType<T>, variables: Variables, readFile: ReadFile): T {
  const given = withoutEmpty(variables);
  const problems = takeSecrets(given, readFile);
  const parsed = schema.safeParse(given);
  for (const { path, message } of parsed.error?.issues ?? []) {
    // Of a list the whole is named.
    const name = String(path[0]);
    problems.push(given[name] === undefined ? `${name} is missing` : `${name}: ${message}`);
  }
  for (const [name, other] of KEY_PAIR)
    if (given[name] === undefined && given[other] !== undefined)
      problems.push(`${name} is missing; ${other} is given`);
  if (parsed.success) problems.push(...storageProblems(given));
  if (!parsed.success || problems.length > 0) throw new EnvironmentError(problems);
  return parsed.data;
}

/** Puts what the files of secrets hold where a process without such files has it. @returns what is wrong with them */
function takeSecrets(given: Record<string, string>, readFile: ReadFile): string[] {
  const problems: string[] = [];
  const secretOf = (name: keyof Environment): string | undefined => {
    const path = given[name];
    if (path === undefined) return undefined;
    try {
      const secret = readFile(path).replace(/\r?\n$/, '');
      if (secret) return secret;
      problems.push(`${name}: the file is empty`);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return undefined;
  };
  const password = secretOf('DATABASE_PASSWORD_FILE');
  if (password !== undefined && URL.canParse(given['DATABASE_URL'] ?? '')) {
    const url = new URL(given['DATABASE_URL'] ?? '');
    if (url.password) problems.push('DATABASE_PASSWORD_FILE: DATABASE_URL has a password too');
    url.password = encodeURIComponent(password);
    given['DATABASE_URL'] = url.href;
  }
  const key = secretOf('AWS_SECRET_ACCESS_KEY_FILE');
  if (key !== undefined) {
    if (given['AWS_SECRET_ACCESS_KEY'] !== undefined)
      problems.push('AWS_SECRET_ACCESS_KEY_FILE: AWS_SECRET_ACCESS_KEY is given too');
    given['AWS_SECRET_ACCESS_KEY'] = key;
  }
  return problems;
}

function withoutEmpty(variables: Variables): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) if (value) given[name] = value;
  return given;
}

/** One variable, and what holds for it. */
export interface EffectiveVariable {
  name: string;
  /** As it would be written, secrets masked; null where it is not set and has no default. */
  value: string | null;
  source: 'environment' | 'default' | 'not set';
}

/** What an environment amounts to, right or wrong, in the order of the schema. */
export function effectiveEnvironment(variables: Variables): EffectiveVariable[] {
  const given = withoutEmpty(variables);
  return Object.entries(Environment.shape).map(([name, schema]) => {
    const value = given[name];
    if (value !== undefined)
      return { name, value: SECRETS.has(name) ? MASK : masked(value), source: 'environment' };
    const input: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }).default;
    return input === undefined
      ? { name, value: null, source: 'not set' }
      : { name, value: String(input), source: 'default' };
  });
}

const MASK = '****';

/** An address without the secrets that it may hold. */
function masked(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // Not an address, but perhaps meant as one.
  if (!url?.host) return /:.*@/s.test(value) ? MASK : value;
  const secrets = [...url.searchParams.keys()].filter((name) => /pass|secret|token|key/i.test(name));
  if (!url.password && secrets.length === 0) return value;
  if (url.password) url.password = MASK;
  for (const name of secrets) url.searchParams.set(name, MASK);
  return url.href;
}
