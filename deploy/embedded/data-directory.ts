import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { endProcess, isAlive, ownIdentity, ProcessIdentity, systemCode, type Ladder } from './process.ts';

/** The parts of a running system, in the order in which they are stopped. */
export const PART_NAMES = ['API', 'control worker', 'cpu worker', 'Temporal', 'PostgreSQL'] as const;
export const PartName = z.enum(PART_NAMES);
export type PartName = z.infer<typeof PartName>;

const Lock = ProcessIdentity.extend({ address: z.string().optional() });
type Lock = z.infer<typeof Lock>;
/** The environment that `up` gives its processes, and a further worker on this machine needs to join in. */
export const Services = z.object({
  DATABASE_URL: z.string(),
  TEMPORAL_ADDRESS: z.string(),
  FILES_URL: z.string(),
  TEMP_DIR: z.string(),
  OBJECTS_URL: z.string(),
  S3_ENDPOINT: z.string().optional(),
  S3_REGION: z.string().optional(),
  S3_DOWNLOAD_ENDPOINT: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  SPECTRA_URL: z.string().optional(),
  TEMPORAL_UI_URL: z.string().optional(),
  HOST: z.string(),
  PORT: z.string(),
});
export type Services = z.infer<typeof Services>;

const Recorded = z.partialRecord(PartName, ProcessIdentity);

/** Another start holds this data directory. */
export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
}

/** Where everything of one installation lies; held by one start at a time. */
export interface DataDirectory {
  readonly root: string;
  /** PostgreSQL's cluster. */
  readonly postgres: string;
  /** Temporal's SQLite file. */
  readonly temporalDatabase: string;
  readonly files: string;
  readonly objects: string;
  readonly temp: string;
  /** What has become of the sample job, see samples.ts. */
  readonly samplesState: string;
  log(part: PartName): string;
  /** Says in the lock where this start serves, for the message of a second one. */
  announce(address: string): void;
  /** Writes down for `readServices` where the services are. Passwords are among it: only its owner reads it. */
  shareServices(services: Services): void;
  /** Records a child that the next start must end if this one dies. */
  record(part: PartName, identity: ProcessIdentity): void;
  /** Ends what an earlier start left running, in order. @returns the names of what it was */
  endOrphans(ladders: Record<PartName, Ladder>): Promise<PartName[]>;
  /** Gives the directory free; all children must be gone. */
  release(): void;
}

/**
 * Takes a data directory, made where absent, for this process alone. The lock of a dead process is taken over.
 * @throws DataDirectoryInUse naming the process that holds it and where it serves
 */
export async function takeDataDirectory(directory: string): Promise<DataDirectory> {
  const root = resolve(directory);
  const inRoot = (name: string): string => join(root, name);
  for (const name of ['temporal', 'files', 'objects', 'temp', 'logs']) {
    mkdirSync(inRoot(name), { recursive: true });
  }
  const own = await ownIdentity();
  const lockFile = inRoot('lock');
  await acquire(lockFile, own, root);

  const recordFile = inRoot('processes.json');
  const recorded = Recorded.safeParse(readJson(recordFile)).data ?? {};
  return {
    root,
    postgres: inRoot('postgres'),
    temporalDatabase: join(root, 'temporal', 'temporal.db'),
    files: inRoot('files'),
    objects: inRoot('objects'),
    temp: inRoot('temp'),
    samplesState: inRoot('samples.json'),
    log: (part) => join(root, 'logs', `${part.toLowerCase().replaceAll(' ', '-')}.log`),
    announce: (address) => {
      writeWhole(lockFile, { ...own, address });
    },
    shareServices: (services) => {
      writeWhole(servicesFile(root), services, 0o600);
    },
    record: (part, identity) => {
      recorded[part] = identity;
      writeWhole(recordFile, recorded);
    },
    endOrphans: async (ladders) => {
      const ended: PartName[] = [];
      for (const part of PART_NAMES) {
        const identity = recorded[part];
        if (identity === undefined || !(await isAlive(identity))) continue;
        await endProcess(identity, ladders[part]);
        ended.push(part);
      }
      return ended;
    },
    release: () => {
      rmSync(servicesFile(root), { force: true });
      rmSync(recordFile, { force: true });
      rmSync(lockFile, { force: true });
    },
  };
}

const servicesFile = (root: string) => join(root, 'services.json');

/** The services of the start that holds this data directory; undefined where none is up. */
export async function readServices(directory: string): Promise<Services | undefined> {
  const root = resolve(directory);
  const holder = await livingHolder(readText(join(root, 'lock')) ?? '');
  return holder && Services.safeParse(readJson(servicesFile(root))).data;
}

async function acquire(lockFile: string, own: ProcessIdentity, root: string): Promise<void> {
  // Linked into place with its content: nobody ever reads a lock half written.
  const beside = `${lockFile}.${randomUUID()}`;
  writeFileSync(beside, JSON.stringify(own));
  try {
    for (;;) {
      try {
        linkSync(beside, lockFile);
        return;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      const content = readText(lockFile);
      if (content === undefined) continue;
      const holder = await livingHolder(content);
      if (holder !== undefined) throw inUse(root, holder);
      await dropStale(lockFile, content, root);
    }
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Of two starts that meet a stale lock one takes it away; the other must not take the new lock of the first. */
async function dropStale(lockFile: string, staleContent: string, root: string): Promise<void> {
  const aside = `${lockFile}.stale.${randomUUID()}`;
  try {
    renameSync(lockFile, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = readText(aside);
  if (taken !== undefined && taken !== staleContent) {
    renameSync(aside, lockFile);
    const holder = await livingHolder(taken);
    if (holder !== undefined) throw inUse(root, holder);
  }
  rmSync(aside, { force: true });
}

async function livingHolder(content: string): Promise<Lock | undefined> {
  const lock = Lock.safeParse(parseJson(content)).data;
  return lock !== undefined && (await isAlive(lock)) ? lock : undefined;
}

function inUse(root: string, holder: Lock): DataDirectoryInUse {
  const serving = holder.address === undefined ? '' : `, serving ${holder.address}`;
  return new DataDirectoryInUse(
    `${root} is in use by process ${holder.pid}${serving}. Stop that one first (Ctrl-C there, or kill ${holder.pid}), or take another directory with --data DIR.`,
  );
}

function readJson(file: string): unknown {
  const text = readText(file);
  return text === undefined ? undefined : parseJson(text);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** undefined where it is not JSON: it tells nothing, then, about a living process. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function writeWhole(file: string, content: object, mode = 0o666): void {
  const beside = `${file}.partial`;
  writeFileSync(beside, JSON.stringify(content, null, 1), { mode });
  renameSync(beside, file);
}
