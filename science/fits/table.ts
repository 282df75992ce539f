import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import { type Column, ELEMENT_BYTES, type ElementType } from './column.ts';
import { FitsError } from './error.ts';
import { type Hdu, hduData } from './file.ts';
import { decodeRaw, type EncodedNumbers, finishNumbers, NUMBER_BYTES, type NumberType } from './numbers.ts';

const TFORM = /^\s*(\d*)([LXBIJKAEDCMPQ])(?:([LXBIJKAEDCM])(?:\((\d+)\))?)?/;

/** A binary table (FITS 4.0, section 7.3). Nothing is decoded before a column is asked for. */
export class Table {
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly #hdu: Hdu;
  readonly #view: DataView;
  readonly #rowBytes: number;

  /** @throws FitsError when the HDU is no table, its columns do not fit its rows, or the file lacks its data */
  constructor(hdu: Hdu) {
    if (hdu.kind !== 'table' || hdu.axes.length !== 2) {
      throw new FitsError('unsupported', `it is no binary table but ${hdu.kind}`, hdu.index);
    }
    this.#hdu = hdu;
    this.#view = hduData(hdu);
    const [rowBytes = 0, rows = 0] = hdu.axes;
    this.#rowBytes = rowBytes;
    this.rows = rowBytes === 0 ? 0 : rows;
    this.columns = hdu.columns ??= readColumns(hdu, rowBytes);
  }

  /** The first column with this name, whatever its case (FITS 4.0, section 7.3.2). */
  find(name: string): Column | undefined {
    const wanted = name.toUpperCase();
    return this.columns.find(
      (column) => column.name.length === wanted.length && column.name.toUpperCase() === wanted,
    );
  }

  /**
   * A numeric column, all rows one after the other, `repeat` values each (complex: real and imaginary part in turn;
   * L and X: 1 or 0). TSCAL and TZERO are applied; TNULL and an L that is neither T nor F become NaN; integers beyond
   * 2^53 are rounded (`bigIntegers` has them).
   * @throws FitsError for text and for variable-length arrays
   */
  numbers(column: Column): Float64Array {
    const perRow = column.repeat * (column.type === 'C' || column.type === 'M' ? 2 : 1);
    // Bits unpack to 64 times their size.
    if (this.rows * perRow > MAX_SPECTRUM_BYTES) {
      throw new FitsError('too-large', `column ${column.name} has too many values`, this.#hdu.index);
    }
    const values = new Float64Array(this.rows * perRow);
    for (let row = 0; row < this.rows; row++) {
      this.#decode(column.type, row * this.#rowBytes + column.offset, values, row * perRow, perRow);
    }
    return scaled(values, column);
  }

  /**
   * A numeric column as `numbers` has it, not yet decoded where it is simple: one row, or one value a row, of type B, I, J,
   * K, E or D.
   * @throws FitsError for text and for variable-length arrays
   */
  encoded(column: Column): EncodedNumbers | Float64Array {
    const { type, repeat, offset, scale, zero, nullValue } = column;
    if (!isNumberType(type) || (this.rows !== 1 && repeat !== 1)) return this.numbers(column);
    const stride = repeat === 1 ? this.#rowBytes : NUMBER_BYTES[type];
    return { view: this.#view, type, offset, stride, length: this.rows * repeat, scale, zero, nullValue };
  }

  /** An integer column of 64 bits (K), exactly; TZERO = 2^63 makes it unsigned. */
  bigIntegers(column: Column): BigInt64Array | BigUint64Array {
    const unsigned = column.zero === 2 ** 63;
    if (column.type !== 'K' || column.scale !== 1 || (column.zero !== 0 && !unsigned)) {
      throw new FitsError(
        'unsupported',
        `column ${column.name} does not hold integers of 64 bits`,
        this.#hdu.index,
      );
    }
    const length = this.rows * column.repeat;
    const values = unsigned ? new BigUint64Array(length) : new BigInt64Array(length);
    for (let i = 0; i < length; i++) {
      const at = Math.floor(i / column.repeat) * this.#rowBytes + column.offset + (i % column.repeat) * 8;
      values[i] = this.#view.getBigInt64(at) + (unsigned ? 2n ** 63n : 0n);
    }
    return values;
  }

  /** A text column, one string a row: up to the first NUL, without trailing blanks. */
  strings(column: Column): string[] {
    if (column.type !== 'A')
      throw new FitsError('unsupported', `column ${column.name} is no text`, this.#hdu.index);
    return Array.from({ length: this.rows }, (_, row) => {
      const at = this.#view.byteOffset + row * this.#rowBytes + column.offset;
      const text = Buffer.from(this.#view.buffer, at, column.repeat).toString('latin1');
      const end = text.indexOf('\0');
      return (end === -1 ? text : text.slice(0, end)).trimEnd();
    });
  }

  /**
   * A column of variable-length arrays (P or Q), one array a row, scaled like `numbers`.
   * @throws FitsError when a descriptor points out of the heap
   */
  arrays(column: Column): Float64Array[] {
    const { type, elements } = column;
    if ((type !== 'P' && type !== 'Q') || elements === undefined || elements === 'A') {
      throw new FitsError('unsupported', `column ${column.name} has no arrays of numbers`, this.#hdu.index);
    }
    const heap = this.#hdu.header.number('THEAP') ?? this.#rowBytes * this.rows;
    let total = 0;
    return Array.from({ length: this.rows }, (_, row) => {
      const at = row * this.#rowBytes + column.offset;
      if (column.repeat === 0) return new Float64Array(0);
      const length = type === 'P' ? this.#view.getInt32(at) : Number(this.#view.getBigInt64(at));
      const start =
        heap + (type === 'P' ? this.#view.getInt32(at + 4) : Number(this.#view.getBigInt64(at + 8)));
      const bytes = Math.ceil(length * ELEMENT_BYTES[elements]);
      if (!(length >= 0 && start >= Math.max(heap, 0) && start + bytes <= this.#view.byteLength)) {
        throw new FitsError(
          'garbled',
          `row ${row + 1} of column ${column.name} points out of the heap`,
          this.#hdu.index,
        );
      }
      // Rows may share bytes of the heap, so a small file can ask for a lot of memory.
      total += bytes;
      if (total > MAX_SPECTRUM_BYTES)
        throw new FitsError('too-large', `column ${column.name}`, this.#hdu.index);
      const values = new Float64Array(length * (elements === 'C' || elements === 'M' ? 2 : 1));
      this.#decode(elements, start, values, 0, values.length);
      return scaled(values, column);
    });
  }

  #decode(type: ElementType, at: number, values: Float64Array, first: number, count: number): void {
    const view = this.#view;
    switch (type) {
      case 'E':
      case 'C':
        decodeRaw(view, 'E', at, 4, values, first, count);
        break;
      case 'D':
      case 'M':
        decodeRaw(view, 'D', at, 8, values, first, count);
        break;
      case 'I':
      case 'J':
      case 'K':
      case 'B':
        decodeRaw(view, type, at, NUMBER_BYTES[type], values, first, count);
        break;
      case 'L':
        for (let i = first; i < first + count; i++, at++) values[i] = logical(view.getUint8(at));
        break;
      case 'X':
        for (let bit = 0; bit < count; bit++) {
          values[first + bit] = (view.getUint8(at + (bit >> 3)) >> (7 - (bit & 7))) & 1;
        }
        break;
      default:
        throw new FitsError('unsupported', `a column of type ${type} holds no numbers`, this.#hdu.index);
    }
  }
}

function isNumberType(type: ElementType): type is NumberType {
  return type in NUMBER_BYTES;
}

function logical(byte: number): number {
  if (byte === 0x54) return 1;
  return byte === 0x46 ? 0 : NaN;
}

function scaled(values: Float64Array, { scale, zero, nullValue }: Column): Float64Array {
  finishNumbers(values, values.length, scale, zero, nullValue);
  return values;
}

interface ColumnKeywords {
  ttype: string;
  tform: string;
  tunit: string;
  tscal: string;
  tzero: string;
  tnull: string;
}

/** By the column's number, from 1; made once, because a string that is put together anew is slow to look up. */
const keywordsOfColumn: ColumnKeywords[] = [];

function columnKeywords(field: number): ColumnKeywords {
  return (keywordsOfColumn[field] ??= {
    ttype: `TTYPE${field}`,
    tform: `TFORM${field}`,
    tunit: `TUNIT${field}`,
    tscal: `TSCAL${field}`,
    tzero: `TZERO${field}`,
    tnull: `TNULL${field}`,
  });
}

function readColumns(hdu: Hdu, rowBytes: number): Column[] {
  const { header } = hdu;
  const fields = header.number('TFIELDS');
  if (fields === undefined || !Number.isInteger(fields) || fields < 0 || fields > 999) {
    throw new FitsError('garbled', `TFIELDS is ${String(header.get('TFIELDS'))}`, hdu.index);
  }
  const columns: Column[] = [];
  let offset = 0;
  for (let field = 1; field <= fields; field++) {
    const keywords = columnKeywords(field);
    const form = header.text(keywords.tform);
    const match = form === undefined ? null : TFORM.exec(form);
    if (!match) throw new FitsError('garbled', `TFORM${field} is ${JSON.stringify(form)}`, hdu.index);
    const type = match[2] as ElementType;
    const elements = match[3] as ElementType | undefined;
    const repeat = match[1] ? Number(match[1]) : 1;
    const isInteger = 'BIJK'.includes(type === 'P' || type === 'Q' ? (elements ?? '') : type);
    const nullValue = isInteger ? header.number(keywords.tnull) : undefined;
    const unit = header.text(keywords.tunit);
    const isNumber = type !== 'A' && type !== 'L' && type !== 'X';
    columns.push({
      name: header.text(keywords.ttype) ?? '',
      type,
      repeat,
      offset,
      scale: (isNumber ? header.number(keywords.tscal) : undefined) ?? 1,
      zero: (isNumber ? header.number(keywords.tzero) : undefined) ?? 0,
      ...(unit === undefined ? {} : { unit }),
      ...((type === 'P' || type === 'Q') && elements ? { elements } : {}),
      ...(nullValue === undefined ? {} : { nullValue }),
    });
    offset += Math.ceil(repeat * ELEMENT_BYTES[type]);
  }
  if (offset > rowBytes) {
    throw new FitsError(
      'garbled',
      `its columns need ${offset} bytes a row, NAXIS1 is ${rowBytes}`,
      hdu.index,
    );
  }
  return columns;
}
