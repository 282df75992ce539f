import type { Column } from './column.ts';
import { FitsError } from './error.ts';
import { gunzipIfPacked } from './gunzip.ts';
import { BLOCK_BYTES, Header } from './header.ts';

/** BINTABLE is `table`, TABLE `ascii-table`; `groups` are the random groups of FITS 4.0 section 6. */
export type HduKind = 'image' | 'table' | 'ascii-table' | 'groups' | 'other';

const BYTES_PER_VALUE: Record<number, number> = { 8: 1, 16: 2, 32: 4, 64: 8, [-32]: 4, [-64]: 8 };

/** One header and data unit. `dataLength` is what the header claims: `hduData` checks it. */
export interface Hdu {
  index: number;
  /** EXTNAME, or `PRIMARY` for a primary HDU without one, or empty. */
  name: string;
  kind: HduKind;
  header: Header;
  bitpix: number;
  /** NAXIS1, NAXIS2 …: only those that NAXIS announces. */
  axes: number[];
  dataOffset: number;
  /** Bytes of the data, heap and gap included, without the padding. */
  dataLength: number;
  file: Uint8Array;
  /** Of a binary table, kept by the first `Table` made of it: several loaders look whether a table is theirs. */
  columns: readonly Column[] | undefined;
}

export interface FitsFile {
  hdus: Hdu[];
  /** What ended the walk before the file's end: the HDUs before it are whole and can be read. */
  damage?: FitsError;
}

/**
 * Finds the HDUs of a FITS file (FITS 4.0), gzip or not. Data are not touched.
 * @throws FitsError when the bytes are no FITS or the primary header cannot be read
 */
export function openFits(packed: Uint8Array): FitsFile {
  const bytes = gunzipIfPacked(packed);
  checkSimple(bytes);
  const primary = readHdu(bytes, 0, 0);
  const file: FitsFile = { hdus: [primary] };
  for (let last = primary; ;) {
    const dataEnd = last.dataOffset + last.dataLength;
    if (dataEnd > bytes.length) {
      file.damage = truncatedData(last);
      return file;
    }
    const start = last.dataOffset + Math.ceil(last.dataLength / BLOCK_BYTES) * BLOCK_BYTES;
    if (start >= bytes.length) return file;
    if (!startsWith(bytes, start, 'XTENSION')) {
      // Special records and junk may follow the last HDU (FITS 4.0, section 3.5); blank padding is no damage.
      if (bytes.subarray(start, start + BLOCK_BYTES).some((byte) => byte !== 0 && byte !== 0x20)) {
        file.damage = new FitsError('garbled', `what follows HDU ${last.index} is no FITS extension`);
      }
      return file;
    }
    try {
      last = readHdu(bytes, start, file.hdus.length);
    } catch (error) {
      if (!(error instanceof FitsError)) throw error;
      file.damage = error;
      return file;
    }
    file.hdus.push(last);
  }
}

/** The first binary table with this EXTNAME in upper case, whatever its case in the file. */
export function tableNamed(file: FitsFile, name: string): Hdu | undefined {
  return file.hdus.find((hdu) => hdu.kind === 'table' && hdu.name.toUpperCase() === name);
}

/**
 * View of an HDU's data bytes.
 * @throws FitsError `truncated` when the file does not hold all of them
 */
export function hduData(hdu: Hdu): DataView {
  if (hdu.dataOffset + hdu.dataLength > hdu.file.length) throw truncatedData(hdu);
  return new DataView(hdu.file.buffer, hdu.file.byteOffset + hdu.dataOffset, hdu.dataLength);
}

function truncatedData(hdu: Hdu): FitsError {
  const there = Math.max(0, hdu.file.length - hdu.dataOffset);
  return new FitsError(
    'truncated',
    `its data need ${hdu.dataLength} bytes, the file holds ${there} of them`,
    hdu.index,
  );
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function checkSimple(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new FitsError('not-fits', 'the file is empty');
  if (!startsWith(bytes, 0, 'SIMPLE  =')) {
    const beginning = Buffer.from(bytes.subarray(0, 24))
      .toString('latin1')
      .replace(/[^ -~]/g, '·');
    throw new FitsError('not-fits', `not a FITS file: it begins with "${beginning}", not with SIMPLE`);
  }
  if (bytes.length < BLOCK_BYTES) {
    throw new FitsError('truncated', `${bytes.length} bytes are less than one FITS block (${BLOCK_BYTES})`);
  }
}

/** A mandatory card that must hold an integer from `min` to `max`. */
function requiredInteger(header: Header, keyword: string, min: number, max: number, hdu: number): number {
  const value = header.get(keyword);
  if (value === undefined) throw new FitsError('garbled', `the header lacks ${keyword}`, hdu);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new FitsError('garbled', `${keyword} is ${JSON.stringify(value)}`, hdu);
  }
  return value;
}

function optionalInteger(header: Header, keyword: string, otherwise: number, hdu: number): number {
  return header.get(keyword) === undefined
    ? otherwise
    : requiredInteger(header, keyword, 0, Number.MAX_SAFE_INTEGER, hdu);
}

function readHdu(file: Uint8Array, start: number, index: number): Hdu {
  const header = Header.read(file, start, index);
  if (index === 0 && header.get('SIMPLE') !== true) {
    throw new FitsError(
      'unsupported',
      'SIMPLE is not T: the file says itself that it is not standard FITS',
      0,
    );
  }
  const bitpix = requiredInteger(header, 'BITPIX', -64, 64, index);
  const bytesPerValue = BYTES_PER_VALUE[bitpix];
  if (bytesPerValue === undefined) throw new FitsError('garbled', `BITPIX is ${bitpix}`, index);
  const axisCount = requiredInteger(header, 'NAXIS', 0, 999, index);
  const axes: number[] = [];
  for (let axis = 1; axis <= axisCount; axis++) {
    axes.push(requiredInteger(header, `NAXIS${axis}`, 0, Number.MAX_SAFE_INTEGER, index));
  }
  const kind = hduKind(header, index, axes);
  const mayHaveGroups = index > 0 || kind === 'groups';
  const parameters = mayHaveGroups ? optionalInteger(header, 'PCOUNT', 0, index) : 0;
  const groups = mayHaveGroups ? optionalInteger(header, 'GCOUNT', 1, index) : 1;
  if (groups !== 1 && (kind === 'image' || kind === 'table')) {
    throw new FitsError('garbled', `GCOUNT is ${groups}, of one ${kind}`, index);
  }
  const arrayAxes = kind === 'groups' ? axes.slice(1) : axes;
  const values = arrayAxes.length === 0 ? 0 : arrayAxes.reduce((product, length) => product * length, 1);
  const dataLength = bytesPerValue * groups * (parameters + values);
  if (!Number.isSafeInteger(dataLength)) throw new FitsError('garbled', `data of ${dataLength} bytes`, index);
  return {
    index,
    name: header.text('EXTNAME') ?? (index === 0 ? 'PRIMARY' : ''),
    kind,
    header,
    bitpix,
    axes,
    dataOffset: header.end,
    dataLength,
    file,
    columns: undefined,
  };
}

function hduKind(header: Header, index: number, axes: number[]): HduKind {
  if (index === 0) return axes[0] === 0 && header.get('GROUPS') === true ? 'groups' : 'image';
  switch (header.text('XTENSION')) {
    case 'IMAGE':
    case 'IUEIMAGE':
      return 'image';
    case 'BINTABLE':
    case 'A3DTABLE':
      return 'table';
    case 'TABLE':
      return 'ascii-table';
    default:
      return 'other';
  }
}
