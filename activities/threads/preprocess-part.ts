import { createHash } from 'node:crypto';
import type { StorageLocation } from '../../contracts/storage-location.ts';
import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { VERSION } from '../../contracts/version.ts';
import { CatalogueEncoder } from '../../db/catalogue-encoding.ts';
import {
  decodeHeader,
  decodeTables,
  PART_HEADER_BYTES,
  PartBuilder,
  PartDamaged,
  type PartReject,
  stringsOf,
} from '../../science/preprocess/part.ts';
import {
  neededRange,
  planPreprocessing,
  preprocessSpectrum,
  type PreprocessingPlan,
} from '../../science/preprocess/preprocess-spectrum.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../../storage/object-store.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import type { ArchiveFile } from '../../storage/file-store.ts';
import { cataloguedFile } from '../catalogued-file.ts';
import {
  baseName,
  createConfigReader,
  type ManifestRange,
  maxFilesPerPart,
  ownPartKey,
  partKey,
  type PartReference,
  readManifest,
} from '../plan.ts';
import { readEach } from './file-reader.ts';
import { messageOf, reasonOf } from './read-error.ts';

export interface PreprocessPartTask {
  objects: StorageLocation;
  /** Where the archive lies. */
  archive: StorageLocation;
  workId: string;
  shard: number;
  /** Where its files are in the shard's manifest. */
  range: ManifestRange;
  /** Files that ended a thread that read them: by path, the reason they are rejected with. */
  deadly?: Record<string, string>;
  /** Only reads these of the part's files, to find the deadly ones; no part is made. */
  probe?: { from: number; to: number };
}

export interface PreprocessPartResult {
  reference: PartReference;
  files: number;
  rejects: Pick<PartReject, 'path' | 'reason'>[];
  /** An earlier job's part was taken: these are its files, which the catalogue may lack. */
  reused?: ArchiveFile[];
  /** What the files say of themselves, as the catalogue takes it. */
  catalogue?: Uint8Array;
}

/** To be raised by every change that makes other numbers out of the same files: older parts are not taken then. */
const NUMBERS_REVISION = 3;

/** Options that say only which files there are, or what becomes of the parts. */
const NOT_IN_PARTS: ReadonlySet<string> = new Set<keyof PreprocessingConfig>([
  'data_dir_path',
  'recursive',
  'max_reject_fraction',
  'compression',
  'reuse',
]);

interface Context {
  store: ObjectStore;
  readConfig: ReturnType<typeof createConfigReader>;
}
let context: Context | undefined;
let lastPlan: { config: string; plan: PreprocessingPlan } | undefined;

/** Preprocesses the files of one part, in a worker thread, so that the activity's own stays free to heartbeat. */
export default async function preprocessPart(task: PreprocessPartTask): Promise<PreprocessPartResult> {
  const { archive, workId, shard, range, deadly } = task;
  const store = await openObjectStore(task.objects);
  if (context?.store !== store) context = { store, readConfig: createConfigReader(store) };
  const config = await context.readConfig(workId);
  const all = await readManifest(store, workId, shard, range);
  const files = task.probe ? all.slice(task.probe.from, task.probe.to) : all;
  const paths = files.map((file) =>
    file.problem === undefined && deadly?.[file.path] === undefined ? file.path : undefined,
  );

  const inputs = await inputsOf(config, files, archive, paths);
  // A reject for want of memory is of this job alone.
  const isShared = config.reuse !== 'never' && !deadly;
  const key = isShared ? partKey(inputs) : ownPartKey(workId, inputs);
  if (isShared && !task.probe) {
    const earlier = await findPart(store, key);
    if (earlier) return { ...earlier, files: files.length, reused: files };
  }

  const plan = planOf(config);
  const readOptions = {
    neededRange: (metadata: Parameters<typeof neededRange>[1]) => neededRange(plan, metadata),
    reuseMemory: true,
  };
  return withMemory(files.length, plan.grid.length, async ({ builder, catalogue }) => {
    const rejects: PartReject[] = [];
    const reject = (file: ArchiveFile, reason: string) => {
      rejects.push({ filename: baseName(file.path), path: file.path, reason });
    };
    const unreadable = (file: ArchiveFile, reason: string) => {
      reject(file, reason);
      catalogue.add(cataloguedFile(file), { unreadableReason: reason });
    };
    const visit = (index: number, read: { bytes: Uint8Array } | { error: unknown }) => {
      const file = files[index];
      if (!file) return;
      try {
        if ('error' in read) throw read.error;
        const spectrum = readSpectrum(read.bytes, readOptions);
        const { layout, metadata } = spectrum;
        const result = preprocessSpectrum(spectrum, plan, builder.nextFluxes());
        if ('rejected' in result) reject(file, result.rejected);
        else
          builder.addRow({
            filename: baseName(file.path),
            path: file.path,
            layout,
            metadata,
            quality: result.quality,
          });
        // Last: a file has one row, whatever becomes of it.
        catalogue.add(cataloguedFile(file), { layout, metadata });
      } catch (error) {
        // Any other error is a fault of ours; it still must not take the other files with it.
        unreadable(file, reasonOf(error));
      }
    };
    await readEach(archive, paths, visit);
    for (const file of files) {
      const reason = file.problem ?? deadly?.[file.path];
      if (reason !== undefined) unreadable(file, reason);
    }
    rejects.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    for (const one of rejects) builder.addReject(one);
    const { header, chunks } = builder.encode();
    if (!task.probe) await store.putScratch(key, chunks);
    return {
      reference: { key, header },
      files: files.length,
      rejects: rejects.map(({ path, reason }) => ({ path, reason })),
      catalogue: catalogue.toBytes(),
    };
  });
}

/** A plan holds memory: that of the last job is taken where this one asks for the same. */
function planOf(config: PreprocessingConfig): PreprocessingPlan {
  const key = JSON.stringify(config);
  if (lastPlan?.config !== key) lastPlan = { config: key, plan: planPreprocessing(config) };
  return lastPlan.plan;
}

/** What a part is made in. */
interface PartMemory {
  builder: PartBuilder;
  catalogue: CatalogueEncoder;
}
/** That of parts that are done. While a part is on its way to the store the thread works on another one. */
const idleMemories: (PartMemory & { capacity: number; points: number })[] = [];

/** Lends memory for a part: that of an earlier one where it is enough. */
async function withMemory<T>(
  files: number,
  points: number,
  work: (memory: PartMemory) => Promise<T>,
): Promise<T> {
  let lent = idleMemories.pop();
  if (lent?.points !== points || lent.capacity < files) {
    const capacity = Math.max(files, maxFilesPerPart({ wave_point_count: points }));
    const builder = new PartBuilder(capacity, points);
    lent = { capacity, points, builder, catalogue: new CatalogueEncoder() };
  }
  lent.builder.reset();
  lent.catalogue.reset();
  try {
    return await work(lent);
  } finally {
    idleMemories.push(lent);
  }
}

/** The SHA-256 of all that makes a part what it is: numbers, configuration, files. */
async function inputsOf(
  config: PreprocessingConfig,
  files: readonly ArchiveFile[],
  archive: StorageLocation,
  paths: readonly (string | undefined)[],
): Promise<string> {
  const numbers = Object.entries(config).filter(([key]) => !NOT_IN_PARTS.has(key));
  const hash = createHash('sha256');
  hash.update(JSON.stringify([VERSION, NUMBERS_REVISION, numbers]));
  if (config.reuse === 'content') {
    const contents = new Array<string>(files.length);
    await readEach(archive, paths, (index, file) => {
      contents[index] =
        'bytes' in file ? createHash('sha256').update(file.bytes).digest('hex') : messageOf(file.error);
    });
    hash.update(files.map(({ path, problem }, i) => `\n${path}\t${problem ?? contents[i]}`).join(''));
  } else
    hash.update(
      files
        .map(({ path, size, mtimeMs, problem }) => `\n${path}\t${problem ?? `${size}\t${mtimeMs}`}`)
        .join(''),
    );
  return hash.digest('hex');
}

/** A part that an earlier job has made; undefined where there is none, or only a damaged one. */
async function findPart(
  store: ObjectStore,
  key: string,
): Promise<Pick<PreprocessPartResult, 'reference' | 'rejects'> | undefined> {
  try {
    const header = decodeHeader(await store.read(objectUri(key), { start: 0, end: PART_HEADER_BYTES }));
    if ((await store.find(key)) !== header.fluxes.end) return undefined;
    const tables = decodeTables(await store.read(objectUri(key), header.tables), header);
    const [paths, reasons] = ['rejects/path', 'rejects/reason'].map((name) => {
      const values = tables.texts[name];
      return values ? stringsOf(values) : [];
    });
    const rejects = (paths ?? []).map((path, i) => ({ path, reason: reasons?.[i] ?? '' }));
    return { reference: { key, header }, rejects };
  } catch (error) {
    if (error instanceof ObjectNotFound || error instanceof PartDamaged) return undefined;
    throw error;
  }
}
