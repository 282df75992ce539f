import type { FitsFile } from '../fits/file.ts';
import type { Reading } from './reading.ts';
import type { RawSpectrum } from './spectrum.ts';

/** Reads one layout of spectrum files. */
export interface Loader {
  /** Name of the layout, as the catalogue shows it. */
  layout: string;
  /** Whether the file is of this layout: by its content alone, never by a file name or a release's name. */
  identify(file: FitsFile): boolean;
  /** @throws FitsError with the reason when the file is of this layout and still cannot be read */
  read(file: FitsFile, reading: Reading): RawSpectrum;
}
