import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFits } from '../fits/file.ts';
import { Table } from '../fits/table.ts';
import { parseLabelsCsv } from '../labels/labels-csv.ts';
import { type CandidateOfObject, objectRows } from './objects.ts';
import { CANDIDATE_TABLE, type CandidateRow, type CatalogueMetadata, OBJECT_TABLE } from './table.ts';
import type { CatalogueFormat } from './contents.ts';
import { writeCatalogue } from './write-catalogue.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalogue '));
});
afterEach(() => rm(directory, { recursive: true }));

const metadata: CatalogueMetadata = {
  jobId: '6a1b',
  software: 'Spectrolabe 0.2.0',
  precision: [
    {
      class: 'double peak',
      n: 100,
      right: 93,
      precision: 0.93,
      lower: 0.861,
      upper: 0.971,
      confidence: 0.95,
      method: 'audit',
    },
    { class: "O'Be", n: 0, right: 0, lower: 0, upper: 1, confidence: 0.95, method: 'audit' },
  ],
  acknowledgements: [`Guoshoujing Telescope ${'(the LAMOST) '.repeat(20)}`],
};
const rows: CandidateRow[] = [
  {
    filename: 'a,"b".fits',
    designation: 'J220928.49-015720.7',
    ra: 332.36871,
    dec: -1.9557,
    class: 'double peak',
    probability: Math.fround(0.9),
    label: 'dvojitý <vrchol>',
    labelled_by: 'Škoda & co.',
    iteration: 3,
  },
  { filename: 'c.fits', class: 'double peak', ra: NaN, dec: NaN, probability: NaN },
];

async function write(format: CatalogueFormat, of = rows): Promise<Buffer> {
  const path = join(directory, format);
  expect(await writeCatalogue(path, format, { table: CANDIDATE_TABLE, metadata, rows: () => of })).toBe(
    of.length,
  );
  return readFile(path);
}

it('writes CSV as RFC 4180 has it', async () => {
  const text = (await write('csv')).toString();
  expect(text.split('\r\n')).toEqual([
    'filename,designation,ra,dec,class,probability,label,labelled_by,iteration',
    '"a,""b"".fits",J220928.49-015720.7,332.36871,-1.9557,double peak,0.9,dvojitý <vrchol>,Škoda & co.,3',
    'c.fits,,,,double peak,,,,',
    '',
  ]);
  expect(parseLabelsCsv(text)).toEqual(new Map([['a,"b".fits', 'dvojitý <vrchol>']]));
});

it('writes VOTable 1.4 with units, UCDs, descriptions and precision', async () => {
  const text = (await write('votable', [...rows, { filename: '\u0000\n\ud800', class: 'x' }])).toString();
  expect(text).toContain('<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">');
  expect(text).toContain(
    '<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main" ref="icrs"><DESCRIPTION>Right',
  );
  expect(text).toContain('<PARAM name="precision" datatype="double" ucd="stat.probability" value="0.93"/>');
  expect(text.match(/name="precision"/g)).toHaveLength(1);
  expect(text).toContain(
    '<TR><TD>a,&quot;b&quot;.fits</TD><TD>J220928.49-015720.7</TD><TD>332.36871</TD><TD>-1.9557</TD>' +
      '<TD>double peak</TD><TD>0.9</TD><TD>dvojitý &lt;vrchol&gt;</TD><TD>Škoda &amp; co.</TD><TD>3</TD></TR>',
  );
  expect(text).toContain('<TR><TD>\ufffd&#10;\ufffd</TD><TD></TD>');
});

it('writes a FITS table that is whole, in ASCII', async () => {
  const bytes = await write('fits');
  expect(bytes.length % 2880).toBe(0);
  const { hdus, damage } = openFits(bytes);
  const hdu = hdus[1];
  if (damage || !hdu) throw new Error('no table');
  const table = new Table(hdu);
  const texts = (name: string) => {
    const column = table.find(name);
    return column && table.strings(column);
  };
  const numbers = (name: string) => {
    const column = table.find(name);
    return column && [...table.numbers(column)];
  };
  expect(table.columns.map(({ name }) => name)).toEqual(CANDIDATE_TABLE.columns.map(({ name }) => name));
  expect(texts('filename')).toEqual(['a,"b".fits', 'c.fits']);
  expect(texts('labelled_by')).toEqual(['Skoda & co.', '']);
  expect(numbers('ra')).toEqual([332.36871, NaN]);
  expect(numbers('probability')).toEqual([Math.fround(0.9), NaN]);
  expect(numbers('iteration')).toEqual([3, NaN]);
  expect(table.find('dec')?.unit).toBe('deg');
  expect(hdu.header.get('JOBID')).toBe('6a1b');
  expect(hdu.header.get('PREC1')).toBe(0.93);
  expect(hdu.header.get('PREC2')).toBe(undefined);
  expect(hdu.header.get('PCLAS2')).toBe("O'Be");
  expect(
    hdu.header
      .cards()
      .filter(({ keyword }) => keyword === 'COMMENT')
      .map(({ comment, value }) => `${value ?? ''}${comment ?? ''}`)
      .join(' '),
  ).toContain('replaced');
});

it('keeps long text whole on CONTINUE cards', async () => {
  const jobId = `it''s ${"long'".repeat(40)}`;
  const path = join(directory, 'fits');
  await writeCatalogue(path, 'fits', {
    table: CANDIDATE_TABLE,
    metadata: { ...metadata, jobId },
    rows: () => rows,
  });
  expect(openFits(await readFile(path)).hdus[1]?.header.get('JOBID')).toBe(jobId);
});

it('writes Parquet with units, UCDs, descriptions and precision in its metadata', async () => {
  const file = Uint8Array.from(await write('parquet')).buffer;
  const { schema, key_value_metadata: pairs } = parquetMetadata(file);
  expect(schema.slice(1).map(({ name, type }) => [name, type])).toContainEqual(['probability', 'FLOAT']);
  const said = new Map(pairs?.map(({ key, value }) => [key, value]));
  expect(said.get('job_id')).toBe('6a1b');
  expect(JSON.parse(said.get('columns') ?? '')).toContainEqual({
    name: 'ra',
    unit: 'deg',
    ucd: 'pos.eq.ra;meta.main',
    description: 'Right ascension (ICRS)',
  });
  expect(JSON.parse(said.get('precision') ?? '')).toEqual(metadata.precision);
  expect(await parquetReadObjects({ file })).toEqual([
    { ...rows[0], iteration: 3 },
    {
      filename: 'c.fits',
      designation: null,
      ra: null,
      dec: null,
      class: 'double peak',
      probability: null,
      label: null,
      labelled_by: null,
      iteration: null,
    },
  ]);
});

it.each(['csv', 'votable', 'fits', 'parquet'] as const)('holds no row, and many, as %s', async (format) => {
  await write(format, []);
  const many = Array.from({ length: 8000 }, (_, i) => ({ filename: 'x'.repeat(150), class: 'x', ra: i / 7 }));
  const bytes = await write(format, many);
  expect((await write(format, many)).equals(bytes)).toBe(true);
  if (format === 'parquet') {
    const ra = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer, columns: ['ra'] });
    expect(ra.at(-1)).toEqual({ ra: 7999 / 7 });
  } else if (format !== 'fits') expect(bytes.toString()).toContain(`${7999 / 7}`);
  else {
    const hdu = openFits(bytes).hdus[1];
    const table = hdu && new Table(hdu);
    const column = table?.find('ra');
    expect(column && table?.numbers(column).at(-1)).toBe(7999 / 7);
  }
});

it('makes one row of the spectra of an object', async () => {
  const candidates: CandidateOfObject[] = [
    { object: 4, filename: 'a', class: 'x', probability: 0.5, ra: 1, dec: 2, label: 'y', iteration: 2 },
    { object: 4, filename: 'b', class: 'z', probability: 0.9, designation: 'J1', label: 'x', iteration: 0 },
    { object: 7, filename: 'c', class: 'x' },
  ];
  const made = [];
  for await (const row of objectRows(candidates)) made.push(row);
  expect(made).toEqual([
    {
      designation: 'J1',
      ra: 1,
      dec: 2,
      class: 'z',
      probability: 0.9,
      label: 'y',
      labelled_by: undefined,
      iteration: 2,
      n_spectra: 2,
      spectra: 'b;a',
    },
    { class: 'x', n_spectra: 1, spectra: 'c' },
  ]);
  const path = join(directory, 'objects.csv');
  await writeCatalogue(path, 'csv', { table: OBJECT_TABLE, metadata, rows: () => objectRows(candidates) });
  expect((await readFile(path, 'utf8')).split('\r\n')[1]).toBe('J1,1,2,z,0.9,y,,2,2,b;a');
  await expect(async () => {
    for await (const row of objectRows([...candidates].reverse())) made.push(row);
  }).rejects.toThrow('object 4 comes after 7');
});
