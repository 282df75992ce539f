import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { objectRows } from '../../science/catalogue/objects.ts';
import {
  CANDIDATE_TABLE,
  type CandidateRow,
  type CatalogueMetadata,
  OBJECT_TABLE,
} from '../../science/catalogue/table.ts';
import { writeCatalogue } from '../../science/catalogue/write-catalogue.ts';

/** Python with astropy: `ASTROPY_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/catalogue`. */
const PYTHON = process.env['ASTROPY_PYTHON'] ?? 'python3';
const missing =
  spawnSync(PYTHON, ['-c', 'import astropy']).status !== 0
    ? `${PYTHON} has no astropy (set ASTROPY_PYTHON)`
    : undefined;
if (missing) console.log(`Catalogues were not read with astropy: ${missing}.`);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'catalogue '));
});
afterAll(() => rmSync(directory, { recursive: true }));

const Value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const ReadBack = z.object({
  columns: z.array(z.array(z.string().nullable())),
  values: z.record(z.string(), z.array(Value)),
  version: z.string().optional(),
  infos: z.record(z.string(), z.string()).optional(),
  groups: z.array(z.record(z.string(), Value)).optional(),
  schema: z.array(z.string()).optional(),
  header: z.record(z.string(), Value).optional(),
  comments: z.string().optional(),
});

function readWithAstropy(path: string): z.infer<typeof ReadBack> {
  const script = join(import.meta.dirname, 'read-with-astropy.py');
  const output = execFileSync(PYTHON, [script, path], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ReadBack.parse(JSON.parse(output));
}

const metadata: CatalogueMetadata = {
  jobId: '0b9a9e0c-6b0a-4f0e-9b1a-6d4b1f1f0001',
  software: 'Spectrolabe',
  precision: [
    {
      class: 'double peak',
      n: 100,
      right: 93,
      precision: 0.93,
      lower: 0.861,
      upper: 0.971,
      confidence: 0.95,
      method: 'Audit at the end of the campaign; Clopper–Pearson',
    },
  ],
  acknowledgements: ['The LAMOST project is acknowledged at length. '.repeat(5).trim()],
};

const PROBABILITY = Math.fround(0.1);
const rows: CandidateRow[] = [
  {
    filename: 'spec-1.fits',
    designation: 'J220928.49-015720.7',
    ra: 332.36871,
    dec: -1.9557,
    class: 'double peak',
    probability: PROBABILITY,
    label: 'dvojitý <&>',
    labelled_by: '"Škoda"',
    iteration: 3,
  },
  { filename: 'spec-2.fits', class: 'double peak' },
];
const NAMES = CANDIDATE_TABLE.columns.map(({ name }) => name);

describe.skipIf(missing)(`astropy${missing ? ` (${missing})` : ''}`, () => {
  it('reads the VOTable without a warning, and IVOA’s schema finds nothing in it', async () => {
    const path = join(directory, 'catalogue.vot');
    await writeCatalogue(path, 'votable', { table: CANDIDATE_TABLE, metadata, rows: () => rows });
    const read = readWithAstropy(path);
    expect(read.version).toBe('1.4');
    // Absent where Python has no lxml.
    expect(read.schema ?? []).toEqual([]);
    expect(read.columns.map(([name]) => name)).toEqual(NAMES);
    expect(read.columns[2]).toEqual(['ra', 'double', 'deg', 'pos.eq.ra;meta.main']);
    expect(read.values).toEqual({
      filename: ['spec-1.fits', 'spec-2.fits'],
      designation: ['J220928.49-015720.7', ''],
      ra: [332.36871, null],
      dec: [-1.9557, null],
      class: ['double peak', 'double peak'],
      probability: [PROBABILITY, null],
      label: ['dvojitý <&>', ''],
      labelled_by: ['"Škoda"', ''],
      iteration: [3, null],
    });
    expect(read.infos).toMatchObject({ job_id: metadata.jobId, software: 'Spectrolabe' });
    expect(read.groups).toEqual(metadata.precision);
  });

  it('reads the FITS table without a warning', async () => {
    const path = join(directory, 'catalogue.fits');
    await writeCatalogue(path, 'fits', { table: CANDIDATE_TABLE, metadata, rows: () => rows });
    const read = readWithAstropy(path);
    expect(read.columns.map(([name]) => name)).toEqual(NAMES);
    expect(read.columns[2]).toEqual(['ra', 'D', 'deg']);
    expect(read.values).toMatchObject({
      filename: ['spec-1.fits', 'spec-2.fits'],
      ra: [332.36871, null],
      probability: [PROBABILITY, null],
      // astropy takes empty text for a missing value.
      label: ['dvojity <&>', null],
      labelled_by: ['"Skoda"', null],
      iteration: [3, null],
    });
    expect(read.header).toMatchObject({
      EXTNAME: 'CANDIDATES',
      JOBID: metadata.jobId,
      PCLAS1: 'double peak',
      PN1: 100,
      PTRUE1: 93,
      PREC1: 0.93,
      PLOW1: 0.861,
      PHIGH1: 0.971,
      PCONF1: 0.95,
    });
    expect(read.comments).toContain(metadata.acknowledgements[0]);
  });

  it.each(['votable', 'fits'] as const)(
    'reads the catalogue of objects, and an empty one: %s',
    async (format) => {
      const path = join(directory, `objects.${format === 'votable' ? 'vot' : 'fits'}`);
      const candidates = rows.map((row) => ({ ...row, object: 0 }));
      const catalogue = { table: OBJECT_TABLE, metadata: { ...metadata, precision: [] } };
      await writeCatalogue(path, format, { ...catalogue, rows: () => objectRows(candidates) });
      const read = readWithAstropy(path);
      expect(read.values['spectra']).toEqual(['spec-1.fits;spec-2.fits']);
      expect(read.values['n_spectra']).toEqual([2]);
      await writeCatalogue(path, format, { ...catalogue, rows: () => [] });
      expect(readWithAstropy(path).values['spectra']).toEqual([]);
    },
  );
});
