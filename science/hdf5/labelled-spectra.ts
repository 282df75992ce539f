import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NetworkError } from '../cnn/error.ts';
import { type InputFile, openInput } from './reading.ts';
import { readFluxRows } from './read-rows.ts';
import { type SpectraFile, spectraOf } from './spectra-blocks.ts';

const BLOCK_ROWS = 4096;
/** More distinct labels than this are not classes: somebody took a column of measurements for one. */
const MOST_CLASSES = 1000;

/** Labelled spectra in memory. */
export interface TrainingSet {
  wavelengthAngstrom: Float64Array;
  /** rows × points */
  spectra: Float32Array;
  /** Class of each row: an index into `classes`. */
  labels: Int32Array;
  classes: string[];
  filenames: string[];
  /** Object of each row, for the split; absent where the file does not tell. */
  groups?: string[];
  /** Fingerprint: of wave, spectra, labels and class names. */
  sha256: string;
  /** Rows of the file that have no label. */
  unlabelled: number;
  /** Labels of no row. */
  unknown: number;
  /** Labelled rows with a value that is not finite; left out. */
  notFinite: number;
  /** How the spectra were scaled, where the file's configuration says so. */
  scaling?: string;
  /** The configuration that the file was made with, as it stands in it. */
  configuration?: string;
}

/** Where labels come from. */
export interface LabelOptions {
  /**
   * Label by filename; the file's own labels where absent. A row's name is that in `filenames` or, in a `result.h5`, its
   * path in the archive; `.gz` at its end makes no difference.
   */
  labels?: ReadonlyMap<string, string>;
  /**
   * Names of the classes; whole numbers among the labels are indices into them. Absent: the labels that occur, sorted,
   * numeric ones by number.
   */
  classes?: readonly string[];
  /** Whether a single class, or no labelled spectrum, will do: labels that others are added to. */
  mayLackClasses?: boolean;
}

/**
 * Reads the labelled rows of `filenames` (N), `fluxes` (N × P), `wave` (P) and `labels` (N, numbers or text; unless labels
 * are given). Rows whose label is missing, empty or NaN are left out.
 * @throws NetworkError `bad-data` where it is no such file, a label is none of the classes, or fewer than two classes occur;
 * the file system's error where there is no file
 */
export async function readTrainingSet(path: string, options: LabelOptions): Promise<TrainingSet> {
  const file = await openInput(path);
  try {
    return read(file, options);
  } finally {
    file.close();
  }
}

function read(file: InputFile, options: LabelOptions): TrainingSet {
  const source = spectraOf(file);
  const { unknown, unlabelled, ...labelled } =
    options.labels === undefined ? storedLabels(file, source) : givenLabels(file, source, options.labels);
  checkOccurring(file, new Set(labelled.labels), options.classes, labelled.indices);
  const { spectra, kept } = finiteRows(source, labelled.rows);
  const names = kept.map((i) => labelled.labels[i] ?? '');
  const { classes, indexOf } = classesOf(names, options.classes, labelled.indices);
  const labels = Int32Array.from(names, (name) => indexOf.get(name) ?? -1);
  if (!options.mayLackClasses)
    checkVariety(file, new Set(names), { rows: labelled.rows.length, kept: kept.length });
  const rows = kept.map((i) => labelled.rows[i] ?? 0);
  const groups = groupsOf(file, source, rows);
  const configuration = file.attribute('configuration');
  const scaling = scalingOf(configuration);
  return {
    wavelengthAngstrom: source.wavelengthAngstrom,
    spectra,
    labels,
    classes,
    filenames: kept.map((i) => labelled.filenames[i] ?? ''),
    ...(groups === undefined ? {} : { groups }),
    sha256: fingerprint(source.wavelengthAngstrom, spectra, labels, classes),
    unlabelled,
    unknown,
    notFinite: labelled.rows.length - kept.length,
    ...(scaling === undefined ? {} : { scaling }),
    ...(configuration === undefined ? {} : { configuration }),
  };
}

/** Rows with a label; three lists of equal length. */
interface LabelledRows {
  rows: number[];
  filenames: string[];
  labels: string[];
  /** Labels are whole numbers that count classes, whatever these are called. */
  indices: boolean;
  unlabelled: number;
  unknown: number;
}

function storedLabels(file: InputFile, source: SpectraFile): LabelledRows {
  const dataset = file.find('labels');
  if (dataset === undefined)
    throw new NetworkError(
      'bad-data',
      `${file.name} has no labels: name a CSV with the columns filename and label, or add a dataset labels`,
    );
  if (dataset.rows !== source.rows || dataset.width !== 1)
    throw new NetworkError(
      'bad-data',
      `labels of ${file.name} (${dataset.shape.join(' × ')}) must be one for each of the ${source.rows} spectra`,
    );
  if (dataset.kind === 'other')
    throw new NetworkError('bad-data', `labels of ${file.name} must be whole numbers or text`);
  const found: LabelledRows = {
    rows: [],
    filenames: [],
    labels: [],
    indices: dataset.kind !== 'text',
    unlabelled: 0,
    unknown: 0,
  };
  for (const [first, end] of blocks(source.rows)) {
    const filenames = source.readFilenames(first, end);
    let texts: string[];
    if (dataset.kind === 'text') texts = dataset.texts(first, end).map((label) => label.trim());
    else {
      const numbers = new Float64Array(end - first);
      dataset.readInto(numbers, first, end);
      texts = Array.from(numbers, (value, i) => {
        if (Number.isNaN(value)) return '';
        if (Number.isSafeInteger(value)) return String(value);
        throw new NetworkError(
          'bad-data',
          `Label ${value} of ${filenames[i] ?? ''} in ${file.name} is no whole number`,
        );
      });
    }
    texts.forEach((label, i) => {
      if (label === '') found.unlabelled++;
      else add(found, first + i, filenames[i] ?? '', label);
    });
  }
  return found;
}

function givenLabels(file: InputFile, source: SpectraFile, given: ReadonlyMap<string, string>): LabelledRows {
  const paths = file.find('metadata/path');
  const shortened = new Map<string, string>();
  for (const [name, label] of given) {
    const other = shortened.get(plain(name)) ?? name;
    if (given.get(other) !== label)
      throw new NetworkError('bad-data', `${other} and ${name} are one spectrum with two labels`);
    shortened.set(plain(name), name);
  }
  const used = new Set<string>();
  const found: LabelledRows = {
    rows: [],
    filenames: [],
    labels: [],
    indices: false,
    unlabelled: 0,
    unknown: 0,
  };
  let firstName = '';
  for (const [first, end] of blocks(source.rows)) {
    const filenames = source.readFilenames(first, end);
    const archivePaths = paths?.rows === source.rows ? paths.texts(first, end) : [];
    if (first === 0) firstName = filenames[0] ?? '';
    filenames.forEach((filename, i) => {
      const name = shortened.get(plain(filename)) ?? shortened.get(plain(archivePaths[i] ?? filename));
      const label = name === undefined ? undefined : given.get(name);
      if (name === undefined || label === undefined) found.unlabelled++;
      else {
        used.add(name);
        add(found, first + i, filename, label);
      }
    });
  }
  if (used.size === 0)
    throw new NetworkError(
      'bad-data',
      `None of the ${given.size} labels belongs to a spectrum of ${file.name}: the first label is of ` +
        `“${[...given.keys()][0] ?? ''}”, the first spectrum is “${firstName}”`,
    );
  found.unknown = given.size - used.size;
  return found;
}

function add(found: LabelledRows, row: number, filename: string, label: string): void {
  found.rows.push(row);
  found.filenames.push(filename);
  found.labels.push(label);
}

/** Without `.gz`, and without the slash that a path in the archive may begin with. */
function plain(name: string): string {
  return name.replace(/^\//, '').replace(/\.gz$/, '');
}

/** @throws NetworkError where a label is none of the classes */
function checkOccurring(
  file: InputFile,
  occurring: ReadonlySet<string>,
  classes: readonly string[] | undefined,
  indices: boolean,
): void {
  if (occurring.size > MOST_CLASSES && classes === undefined)
    throw new NetworkError(
      'bad-data',
      `${occurring.size} different labels for ${file.name}, at most ${MOST_CLASSES} classes can be told apart: are these labels?`,
    );
  if (classes === undefined) return;
  const { indexOf } = classesOf([...occurring], classes, indices);
  const wrong = [...occurring].find((label) => !indexOf.has(label));
  if (wrong !== undefined)
    throw new NetworkError(
      'bad-data',
      `Label ${wrong} is none of the classes: ${classes.map((name, i) => `${i} ${name}`).join(', ')}`,
    );
}

/** Names of the classes, and where each label is among them. */
function classesOf(
  labels: readonly string[],
  given: readonly string[] | undefined,
  indices: boolean,
): { classes: string[]; indexOf: ReadonlyMap<string, number> } {
  const classes = [...(given ?? sorted(new Set(labels)))];
  const byName = new Map(classes.map((name, i) => [name, i]));
  // In a CSV as in HDF5: 0, 1, 2 for classes that are called something else are their indices.
  const counted =
    given !== undefined && (indices || labels.every((one) => /^\d+$/.test(one) && !byName.has(one)));
  return { classes, indexOf: counted ? new Map(classes.map((_, i) => [String(i), i])) : byName };
}

function sorted(labels: ReadonlySet<string>): string[] {
  const names = [...labels];
  const numeric = names.every((name) => Number.isFinite(Number(name)));
  // By code units, not by a language: the order is that of the network's outputs on every machine.
  return numeric ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}

/** @throws NetworkError where there is nothing to tell apart */
function checkVariety(
  file: InputFile,
  occurring: ReadonlySet<string>,
  { rows, kept }: { rows: number; kept: number },
): void {
  if (rows === 0)
    throw new NetworkError('bad-data', `No spectrum of ${file.name} has a label: there is nothing to learn`);
  if (kept === 0)
    throw new NetworkError(
      'bad-data',
      `All ${rows} labelled spectra of ${file.name} have values that are not finite: preprocess them with outside: edge`,
    );
  if (occurring.size < 2)
    throw new NetworkError(
      'bad-data',
      `All ${kept} labelled spectra of ${file.name} are ${[...occurring].join()}: at least two classes must occur`,
    );
}

/** @returns the finite ones of the rows, and where they are in the list */
function finiteRows(source: SpectraFile, rows: readonly number[]): { spectra: Float32Array; kept: number[] } {
  const { points } = source;
  const spectra = readFluxRows(source, Int32Array.from(rows));
  const kept: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const [start, end] = [i * points, (i + 1) * points];
    if (!spectra.subarray(start, end).every(Number.isFinite)) continue;
    spectra.copyWithin(kept.length * points, start, end);
    kept.push(i);
  }
  return { spectra: spectra.subarray(0, kept.length * points), kept };
}

/** The object of each row: its designation, else its observation, else the row stands for itself. */
function groupsOf(file: InputFile, source: SpectraFile, rows: readonly number[]): string[] | undefined {
  const columns = ['metadata/designation', 'metadata/obsid']
    .map((name) => file.find(name))
    .filter((column) => column?.kind === 'text' && column.rows === source.rows);
  if (columns.length === 0) return undefined;
  const groups: string[] = [];
  let at = 0;
  for (const [first, end] of blocks(source.rows)) {
    const texts = columns.map((column) => column?.texts(first, end) ?? []);
    for (; at < rows.length && (rows[at] ?? end) < end; at++) {
      const row = rows[at] ?? 0;
      groups.push(
        texts.map((column) => column[row - first] ?? '').find((text) => text !== '') ?? `row ${row}`,
      );
    }
  }
  return groups;
}

function* blocks(rows: number): Generator<readonly [number, number]> {
  for (let first = 0; first < rows; first += BLOCK_ROWS) yield [first, Math.min(rows, first + BLOCK_ROWS)];
}

const Configuration = z.object({ scaling: z.string() });

function scalingOf(configuration: string | undefined): string | undefined {
  if (configuration === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(configuration);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return Configuration.safeParse(parsed).data?.scaling;
}

function fingerprint(
  wavelengthAngstrom: Float64Array,
  spectra: Float32Array,
  labels: Int32Array,
  classes: readonly string[],
): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of [wavelengthAngstrom, spectra, labels])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.update(JSON.stringify(classes)).digest('hex');
}
