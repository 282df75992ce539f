import type { SpectrumHeader } from '../../contracts/spectrum.ts';
import { FitsError } from '../fits/error.ts';
import { type FitsFile, type Hdu, openFits } from '../fits/file.ts';
import { Table } from '../fits/table.ts';
import { LOADERS } from './loaders.ts';
import { OWN_MEMORY, type ReadOptions, ReusedMemory } from './reading.ts';
import type { RawSpectrum } from './spectrum.ts';

export type { ReadOptions } from './reading.ts';

/** Enough for the longest real spectra, three arrays each; 512 KiB. */
const REUSED_VALUES = 65_536;
let reused: ReusedMemory | undefined;

/**
 * Reads a spectrum of any known layout; gzip is unpacked.
 * @throws FitsError with a reason that a person understands; `not-a-spectrum` when it is FITS and of no known layout
 */
export function readSpectrum(bytes: Uint8Array, options: ReadOptions = {}): RawSpectrum {
  const file = openFits(bytes);
  const loader = LOADERS.find((candidate) => candidate.identify(file));
  if (loader) {
    const memory = options.reuseMemory ? (reused ??= new ReusedMemory(REUSED_VALUES)).clear() : OWN_MEMORY;
    return loader.read(file, { neededRange: options.neededRange, memory });
  }
  // A layout may be unknown only because the HDU that tells it is damaged, or behind the damage.
  if (file.damage) throw file.damage;
  for (const hdu of file.hdus) if (hdu.kind === 'table') new Table(hdu);
  throw new FitsError('not-a-spectrum', `no layout of a spectrum that is known here: ${describe(file)}`);
}

/**
 * All cards of all HDUs, as far as the file is whole.
 * @throws FitsError when not even the primary header can be read
 */
export function readHeaders(bytes: Uint8Array): SpectrumHeader['hdus'] {
  return openFits(bytes).hdus.map(({ index, name, kind, header }) => ({
    index,
    name,
    kind,
    cards: header.cards(),
  }));
}

const DESCRIBED_HDUS = 6;

function describe(file: FitsFile): string {
  const parts = file.hdus.slice(0, DESCRIBED_HDUS).map(describeHdu);
  const more = file.hdus.length - parts.length;
  return parts.join(', ') + (more > 0 ? ` and ${more} more HDUs` : '');
}

function describeHdu(hdu: Hdu): string {
  const name = hdu.name || `HDU ${hdu.index}`;
  if (hdu.dataLength === 0) return `${name} without data`;
  if (hdu.kind === 'image') return `${name} is an image of ${hdu.axes.join(' × ')}`;
  if (hdu.kind === 'table') return `${name} is a table of ${hdu.axes[1] ?? 0} rows`;
  return `${name} is of kind ${hdu.kind}`;
}
