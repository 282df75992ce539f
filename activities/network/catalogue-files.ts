import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TABLE_FORMATS } from '../../contracts/table-format.ts';
import { VERSION } from '../../contracts/version.ts';
import { openPredictions, type Predictions } from '../../science/artifacts/predictions.ts';
import { CATALOGUE_FORMATS } from '../../science/catalogue/contents.ts';
import { type CandidateOfObject, objectRows } from '../../science/catalogue/objects.ts';
import {
  CANDIDATE_TABLE,
  type CandidateRow,
  type CatalogueMetadata,
  OBJECT_TABLE,
} from '../../science/catalogue/table.ts';
import { writeCatalogue } from '../../science/catalogue/write-catalogue.ts';
import { openInput } from '../../science/hdf5/reading.ts';
import { type SpectraFile, spectraOf } from '../../science/hdf5/spectra-blocks.ts';
import { CatalogueLabel, type CatalogueTask, type Tell } from './messages.ts';
import { rowsOfNames } from './pool-names.ts';
import { readPreparedRows } from './prepared-rows.ts';

const BLOCK_ROWS = 16_384;
const ACKNOWLEDGEMENT =
  'Where the spectra are LAMOST’s: Guoshoujing Telescope (the Large Sky Area Multi-Object Fiber Spectroscopic Telescope ' +
  'LAMOST) is a National Major Scientific Project built by the Chinese Academy of Sciences. Funding for the project has ' +
  'been provided by the National Development and Reform Commission. LAMOST is operated and managed by the National ' +
  'Astronomical Observatories, Chinese Academy of Sciences.';

/**
 * Writes the catalogue of candidates as CSV, VOTable, FITS and Parquet: what the last network takes for one of the candidate
 * classes, and what people labelled so; and a table of the objects that they are spectra of.
 */
export async function writeCatalogueFiles(task: CatalogueTask, tell: Tell): Promise<void> {
  const file = await openInput(task.poolPath);
  const predictions =
    task.predictionsPath === undefined ? undefined : await openPredictions(task.predictionsPath);
  try {
    const pool = spectraOf(file);
    const labels = z.array(CatalogueLabel).parse(JSON.parse(await readFile(task.labelsPath, 'utf8')));
    const byRow = labelsByRow(pool, labels);
    const texts = (name: string) => {
      const found = file.find(`metadata/${name}`);
      return found?.kind === 'text' && found.rows === pool.rows ? found : undefined;
    };
    const numbers = (name: string) => {
      const found = file.find(`metadata/${name}`);
      if (found === undefined || found.kind === 'text' || found.rows !== pool.rows) return undefined;
      const values = new Float64Array(pool.rows);
      found.readInto(values, 0, pool.rows);
      return values;
    };
    const { cut, objects } = await readPreparedRows(task.preparedDir);
    const designation = texts('designation');
    const [ra, dec] = [numbers('ra'), numbers('dec')];
    const finite = (value: number | undefined) =>
      value !== undefined && Number.isFinite(value) ? value : undefined;

    function* candidates(): Generator<CandidateRow & { row: number }> {
      for (let first = 0; first < pool.rows; first += BLOCK_ROWS) {
        const end = Math.min(pool.rows, first + BLOCK_ROWS);
        const chosen = candidatesOf(task, predictions, byRow, first, end).filter(
          ({ row }) => cut?.[row] !== 1,
        );
        if (chosen.length === 0) continue;
        const filenames = pool.readFilenames(first, end);
        const designations = designation?.texts(first, end);
        for (const { row, ...candidate } of chosen)
          yield {
            row,
            filename: filenames[row - first] ?? '',
            designation: designations?.[row - first] || undefined,
            ra: finite(ra?.[row]),
            dec: finite(dec?.[row]),
            ...candidate,
          };
      }
    }

    const metadata: CatalogueMetadata = {
      jobId: task.jobId,
      software: `Spectrolabe ${VERSION}`,
      precision: task.precision,
      acknowledgements: [ACKNOWLEDGEMENT],
    };
    let spectra = 0;
    for (const format of CATALOGUE_FORMATS) {
      const { extension } = TABLE_FORMATS[format];
      spectra = await writeCatalogue(join(task.targetDir, `catalogue.${extension}`), format, {
        table: CANDIDATE_TABLE,
        metadata,
        rows: candidates,
      });
    }
    const grouped = Array.from(candidates(), (row): CandidateOfObject => ({
      ...row,
      object: objects?.[row.row] ?? row.row,
    })).sort((a, b) => a.object - b.object);
    const objectCount = await writeCatalogue(join(task.targetDir, 'objects.csv'), 'csv', {
      table: OBJECT_TABLE,
      metadata,
      rows: () => objectRows(grouped),
    });
    tell({ kind: 'catalogued', spectra, objects: objectCount });
  } finally {
    predictions?.close();
    file.close();
  }
}

function labelsByRow(pool: SpectraFile, labels: readonly CatalogueLabel[]): Map<number, CatalogueLabel> {
  const named = labels.filter(({ row }) => row === undefined);
  const rowOf = rowsOfNames(pool, new Set(named.map(({ filename }) => filename)));
  const byRow = new Map<number, CatalogueLabel>();
  for (const label of named) {
    const row = rowOf.get(label.filename);
    if (row !== undefined) byRow.set(row, label);
  }
  // What was labelled here comes before what was imported.
  for (const label of labels) if (label.row !== undefined) byRow.set(label.row, label);
  return byRow;
}

/** Rows `first` … `end` − 1 that are predicted or labelled as a candidate class. */
function candidatesOf(
  { candidateClasses }: CatalogueTask,
  predictions: Predictions | undefined,
  labels: ReadonlyMap<number, CatalogueLabel>,
  first: number,
  end: number,
): (Pick<CandidateRow, 'class' | 'probability' | 'label' | 'labelled_by' | 'iteration'> & { row: number })[] {
  const classes = predictions?.classes ?? [];
  const probabilities = predictions?.readProbabilities(first, end);
  const chosen = [];
  for (let row = first; row < end; row++) {
    let best = 0;
    const at = (row - first) * classes.length;
    for (let i = 1; i < classes.length; i++)
      if ((probabilities?.[at + i] ?? NaN) > (probabilities?.[at + best] ?? NaN)) best = i;
    const probability = probabilities?.[at + best] ?? NaN;
    const predicted = Number.isNaN(probability) ? undefined : classes[best];
    const given = labels.get(row);
    const isCandidate = (name: string | undefined) => name !== undefined && candidateClasses.includes(name);
    if (!isCandidate(predicted) && !isCandidate(given?.label)) continue;
    chosen.push({
      row,
      class: predicted ?? given?.label ?? '',
      probability: predicted === undefined ? undefined : probability,
      label: given?.label,
      labelled_by: given?.labelledBy,
      iteration: given?.iteration,
    });
  }
  return chosen;
}
