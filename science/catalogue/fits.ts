import { BLOCK_BYTES } from '../fits/header.ts';
import type {
  CatalogueColumn,
  CatalogueMetadata,
  CatalogueParameter,
  CatalogueRows,
  CatalogueTable,
} from './table.ts';

/** Rows are put together in blocks of about so many bytes. */
const WRITTEN_BYTES = 1 << 20;
const CARD_BYTES = 80;
/** TNULL: stands for "no value" in a column of int32. */
const NO_INTEGER = -(2 ** 31);

/**
 * A catalogue as FITS 4.0: an empty primary HDU and a binary table. Text is ASCII there (FITS 4.0, section 3.3): accents are
 * taken off, other characters become `?`, and the header says so where it happened. Reads the rows twice.
 */
export async function* fitsOf<Row>(
  table: CatalogueTable<Row>,
  metadata: CatalogueMetadata,
  rows: CatalogueRows<Row>,
): AsyncGenerator<Uint8Array> {
  const measured = await measure(table, rows);
  const fields = table.columns.map((column, i) => ({
    column,
    bytes: column.type === 'text' ? (measured.widths[i] ?? 1) : column.type === 'double' ? 8 : 4,
  }));
  const rowBytes = fields.reduce((sum, { bytes }) => sum + bytes, 0);
  yield primaryHeader();
  yield headerOf([
    ...textCard('XTENSION', 'BINTABLE', 'binary table'),
    card('BITPIX', '8'),
    card('NAXIS', '2'),
    card('NAXIS1', String(rowBytes), 'bytes of a row'),
    card('NAXIS2', String(measured.rows), 'rows'),
    card('PCOUNT', '0'),
    card('GCOUNT', '1'),
    card('TFIELDS', String(fields.length), 'columns'),
    ...textCard('EXTNAME', table.name.toUpperCase()),
    ...fields.flatMap(({ column, bytes }, i) => columnCards(column, bytes, i + 1)),
    ...textCard('RADESYS', 'ICRS'),
    ...metadataCards(metadata),
    ...(measured.isAscii
      ? []
      : comment('COMMENT', 'Characters beyond ASCII were replaced: FITS cannot hold them.')),
  ]);
  yield* records(rows, { fields, rowBytes, rowCount: measured.rows });
}

interface Field<Row> {
  column: CatalogueColumn<Row>;
  bytes: number;
}

async function measure<Row>(
  { columns }: CatalogueTable<Row>,
  rows: CatalogueRows<Row>,
): Promise<{ rows: number; widths: number[]; isAscii: boolean }> {
  const widths = columns.map(() => 1);
  let [count, isAscii] = [0, true];
  for await (const row of rows()) {
    count++;
    columns.forEach((column, i) => {
      if (column.type !== 'text') return;
      const text = String(column.value(row) ?? '');
      const plain = ascii(text);
      if (plain !== text) isAscii = false;
      widths[i] = Math.max(widths[i] ?? 1, plain.length);
    });
  }
  return { rows: count, widths, isAscii };
}

/** @throws Error where the rows are other ones than were measured */
async function* records<Row>(
  rows: CatalogueRows<Row>,
  { fields, rowBytes, rowCount }: { fields: readonly Field<Row>[]; rowBytes: number; rowCount: number },
): AsyncGenerator<Uint8Array> {
  const rowsAtOnce = Math.max(1, Math.floor(WRITTEN_BYTES / rowBytes));
  let block = Buffer.alloc(rowsAtOnce * rowBytes);
  let [written, at] = [0, 0];
  for await (const row of rows()) {
    for (const { column, bytes } of fields) {
      writeValue(block, at, bytes, column, row);
      at += bytes;
    }
    written++;
    if (at < block.length) continue;
    yield block;
    block = Buffer.alloc(rowsAtOnce * rowBytes);
    at = 0;
  }
  if (written !== rowCount) throw new Error(`${rowCount} rows at first, ${written} the second time`);
  yield block.subarray(0, at);
  yield new Uint8Array(paddingAfter(rowCount * rowBytes));
}

function writeValue<Row>(
  block: Buffer,
  at: number,
  bytes: number,
  column: CatalogueColumn<Row>,
  row: Row,
): void {
  const value = column.value(row);
  if (column.type === 'text') {
    // The rest stays NUL, which ends a text (FITS 4.0, section 7.3.3.1).
    const text = ascii(String(value ?? ''));
    if (text.length > bytes) throw new Error(`${column.name} is longer than it was: ${text}`);
    block.write(text, at, 'latin1');
    return;
  }
  const number = typeof value === 'number' ? value : NaN;
  if (column.type === 'double') block.writeDoubleBE(number, at);
  else if (column.type === 'float') block.writeFloatBE(number, at);
  else block.writeInt32BE(Number.isFinite(number) ? number : NO_INTEGER, at);
}

/** Text that FITS can hold: printable ASCII. */
function ascii(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^ -~]/gu, '?');
}

function columnCards<Row>(
  { name, type, unit, ucd, description }: CatalogueColumn<Row>,
  bytes: number,
  number: number,
): string[] {
  const form = { text: `${bytes}A`, double: 'D', float: 'E', int: 'J' }[type];
  return [
    ...textCard(`TTYPE${number}`, name),
    ...textCard(`TFORM${number}`, form),
    ...(unit === undefined ? [] : textCard(`TUNIT${number}`, unit)),
    ...(type === 'int' ? [card(`TNULL${number}`, String(NO_INTEGER))] : []),
    ...textCard(`TUCD${number}`, ucd),
    ...comment('COMMENT', `${name}: ${description}`),
  ];
}

function parameterCards({ keyword, type, unit, description, value }: CatalogueParameter): string[] {
  const remark = unit === undefined ? description : `[${unit}] ${description}`;
  if (typeof value === 'string') return textCard(keyword, value, remark);
  if (!Number.isFinite(value)) return [];
  return [card(keyword, type === 'int' ? String(value) : floatText(value), remark)];
}

function metadataCards({
  jobId,
  software,
  precision,
  acknowledgements,
  parameters = [],
}: CatalogueMetadata): string[] {
  return [
    ...parameters.flatMap(parameterCards),
    ...(jobId === undefined ? [] : textCard('JOBID', jobId, 'job that made it')),
    ...textCard('CREATOR', software, 'software'),
    ...(precision.length === 0
      ? []
      : [card('NPREC', String(precision.length), 'classes with an estimated precision')]),
    ...precision.flatMap((estimate, i) => [
      ...textCard(`PCLAS${i + 1}`, estimate.class, 'class'),
      card(`PN${i + 1}`, String(estimate.n), 'labelled sample of this class'),
      card(`PTRUE${i + 1}`, String(estimate.right), 'of which are right'),
      ...(estimate.precision === undefined
        ? []
        : [card(`PREC${i + 1}`, floatText(estimate.precision), 'share that is right')]),
      card(`PLOW${i + 1}`, floatText(estimate.lower), 'lower bound'),
      card(`PHIGH${i + 1}`, floatText(estimate.upper), 'upper bound'),
      card(`PCONF${i + 1}`, floatText(estimate.confidence), 'confidence of the bounds'),
      ...comment('COMMENT', `PREC${i + 1}: ${estimate.method}`),
    ]),
    ...acknowledgements.flatMap((text) => comment('COMMENT', text)),
  ];
}

function floatText(value: number): string {
  const text = String(value).replace('e', 'E');
  return /[.E]/.test(text) ? text : `${text}.0`;
}

function primaryHeader(): Buffer {
  return headerOf([card('SIMPLE', 'T'), card('BITPIX', '8'), card('NAXIS', '0'), card('EXTEND', 'T')]);
}

function headerOf(cards: readonly string[]): Buffer {
  const text = [...cards, 'END'].map((image) => image.padEnd(CARD_BYTES)).join('');
  return Buffer.from(text + ' '.repeat(paddingAfter(text.length)), 'latin1');
}

function paddingAfter(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function card(keyword: string, value: string, remark = ''): string {
  const image = `${keyword.padEnd(8)}= ${value.padStart(20)}`;
  return remark === '' ? image : `${image} / ${remark}`.slice(0, CARD_BYTES);
}

/** Text between the quotes of a card; the rest goes on CONTINUE cards (FITS 4.0, section 4.2.1.2). */
const TEXT_LENGTH = 68;

function textCard(keyword: string, value: string, remark = ''): string[] {
  const text = ascii(value).replaceAll("'", "''");
  const first = `${keyword.padEnd(8)}= `;
  if (text.length <= TEXT_LENGTH) {
    const image = `${first}'${text.padEnd(8)}'`;
    return [remark === '' ? image : `${image} / ${remark}`.slice(0, CARD_BYTES)];
  }
  // One less, for the ampersand; a doubled quote stays together.
  const pieces = text.match(/(?:''|[^']){1,33}/g) ?? [];
  return pieces.map(
    (piece, i) => `${i === 0 ? first : 'CONTINUE  '}'${piece}${i === pieces.length - 1 ? '' : '&'}'`,
  );
}

/** Commentary, as many cards as it needs, broken between words. */
function comment(keyword: string, text: string): string[] {
  const lines = [''];
  for (const word of ascii(text)
    .split(/\s+/)
    .flatMap((one) => one.match(/.{1,72}/g) ?? [])) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > 72) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${keyword.padEnd(8)}${line}`);
}
