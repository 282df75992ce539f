import { BLOCK_BYTES } from '../../science/fits/header.ts';

/** Makes small FITS files: what the tests of the readers read. */

export type CardValues = Record<string, string | number | boolean>;
export interface ColumnData {
  name: string;
  form: string;
  /** Rows one after the other; an array of arrays is a variable-length column. */
  values: readonly number[] | ArrayLike<number> | readonly (readonly number[])[] | readonly string[];
}

/** A card image from its keyword and value, fixed format. */
export function card(keyword: string, value: string | number | boolean): string {
  const text =
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''").padEnd(8)}'`
      : (typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value).replace('e', 'E')).padStart(20);
  return `${keyword.padEnd(8)}= ${text}`.padEnd(80);
}

/** A header: raw card images and END, padded to whole blocks. */
export function header(images: readonly string[]): Uint8Array {
  const text = [...images.map((image) => image.padEnd(80)), 'END'.padEnd(80)].join('');
  return Buffer.from(text.padEnd(Math.ceil(text.length / BLOCK_BYTES) * BLOCK_BYTES), 'latin1');
}

export interface ImageHdu {
  bitpix: 8 | 16 | 32 | 64 | -32 | -64;
  axes: readonly number[];
  /** Raw values, as stored. */
  values?: readonly (number | bigint)[];
  cards?: CardValues;
  /** XTENSION='IMAGE' instead of SIMPLE. */
  extension?: boolean;
}

/** An image HDU. */
export function imageHdu({ bitpix, axes, values = [], cards = {}, extension = false }: ImageHdu): Uint8Array {
  const size = Math.abs(bitpix) / 8;
  const data = new DataView(new ArrayBuffer(padded(values.length * size)));
  values.forEach((value, i) => setElement(data, i * size, BITPIX_TYPE[bitpix], value));
  const images = [
    extension ? card('XTENSION', 'IMAGE') : card('SIMPLE', true),
    card('BITPIX', bitpix),
    card('NAXIS', axes.length),
    ...axes.map((length, i) => card(`NAXIS${i + 1}`, length)),
    ...Object.entries(cards).map(([keyword, value]) => card(keyword, value)),
  ];
  return Buffer.concat([header(images), new Uint8Array(data.buffer)]);
}

const BITPIX_TYPE = { 8: 'B', 16: 'I', 32: 'J', 64: 'K', [-32]: 'E', [-64]: 'D' } as const;

export function column(name: string, form: string, values: ColumnData['values']): ColumnData {
  return { name, form, values };
}

/** A BINTABLE HDU; the number of rows is the first column's. */
export function tableHdu(columns: readonly ColumnData[], cards: CardValues = {}): Uint8Array {
  const layouts = columns.map(({ form }) => {
    const [, count, type = 'A', element] = /^(\d*)([A-Z])([A-Z]?)/.exec(form) ?? [];
    // Bits are given as the bytes that hold them.
    const repeat = Math.ceil((count ? Number(count) : 1) / (type === 'X' ? 8 : 1));
    return { type, element, repeat, bytes: repeat * sizeOf(type) };
  });
  const rowBytes = layouts.reduce((sum, { bytes }) => sum + bytes, 0);
  const [first] = columns;
  const [layout] = layouts;
  const perRow = layout && layout.type !== 'A' && !layout.element ? layout.repeat : 1;
  const rows = first ? first.values.length / perRow : 0;
  const heap: number[] = [];
  const table = new DataView(new ArrayBuffer(rows * rowBytes));
  let offset = 0;
  columns.forEach(({ values }, c) => {
    const { type, element, repeat, bytes } = layouts[c] ?? { type: 'A', element: '', repeat: 0, bytes: 0 };
    for (let row = 0; row < rows; row++) {
      const at = row * rowBytes + offset;
      if (element) {
        const array = values[row];
        const elements = Array.isArray(array) ? array.map(Number) : [];
        setElement(table, at, type === 'P' ? 'J' : 'K', elements.length);
        setElement(table, at + bytes / 2, type === 'P' ? 'J' : 'K', heap.length);
        const packed = new DataView(new ArrayBuffer(elements.length * sizeOf(element)));
        elements.forEach((value, i) => setElement(packed, i * sizeOf(element), element, value));
        heap.push(...new Uint8Array(packed.buffer));
      } else if (type === 'A') {
        Buffer.from(table.buffer).write(String(values[row]), at, repeat, 'latin1');
      } else {
        for (let i = 0; i < repeat; i++)
          setElement(table, at + i * sizeOf(type), type, Number(values[row * repeat + i]));
      }
    }
    offset += bytes;
  });
  const images = [
    card('XTENSION', 'BINTABLE'),
    card('BITPIX', 8),
    card('NAXIS', 2),
    card('NAXIS1', rowBytes),
    card('NAXIS2', rows),
    card('PCOUNT', heap.length),
    card('GCOUNT', 1),
    card('TFIELDS', columns.length),
    ...columns.flatMap(({ name, form }, i) => [card(`TTYPE${i + 1}`, name), card(`TFORM${i + 1}`, form)]),
    ...Object.entries(cards).map(([keyword, value]) => card(keyword, value)),
  ];
  const data = Buffer.alloc(padded(table.byteLength + heap.length));
  data.set(new Uint8Array(table.buffer));
  data.set(heap, table.byteLength);
  return Buffer.concat([header(images), data]);
}

/** A file of HDUs. */
export function fitsFile(...hdus: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(hdus);
}

function padded(length: number): number {
  return Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
}

function sizeOf(type: string): number {
  return { L: 1, X: 1, B: 1, A: 1, I: 2, J: 4, E: 4, K: 8, D: 8, C: 8, P: 8, M: 16, Q: 16 }[type] ?? 0;
}

function setElement(view: DataView, at: number, type: string, value: number | bigint): void {
  if (type === 'K') view.setBigInt64(at, BigInt(value));
  else if (type === 'B' || type === 'L' || type === 'X') view.setUint8(at, Number(value));
  else if (type === 'I') view.setInt16(at, Number(value));
  else if (type === 'J') view.setInt32(at, Number(value));
  else if (type === 'E') view.setFloat32(at, Number(value));
  else view.setFloat64(at, Number(value));
}
