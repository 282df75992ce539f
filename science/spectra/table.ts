import { FitsError } from '../fits/error.ts';
import type { FitsFile, Hdu } from '../fits/file.ts';
import type { Column } from '../fits/column.ts';
import { Table } from '../fits/table.ts';
import { armReading, makeArm } from './arm.ts';
import { declaredMedium, genericMetadata, MAX_PIXELS } from './generic.ts';
import type { Loader } from './loader.ts';
import { toAngstrom } from './wavelength-unit.ts';
import { ownWavelengths } from './wavelengths.ts';

const WAVELENGTH_NAMES = ['spectral', 'wave', 'wavelength', 'lambda', 'wlen', 'loglam'];
const FLUX_NAMES = ['flux', 'flux_density', 'flam'];
const IVAR_NAMES = ['ivar'];

interface SpectrumTable {
  hdu: Hdu;
  table: Table;
  wave: Column;
  flux: Column;
}

function columnsNamed(table: Table, names: string[]): Column[] {
  return table.columns.filter(({ name }) => names.includes(name.toLowerCase()));
}

/** A damaged table is no candidate; `readSpectrum` tells its damage when there is no other. */
function readableTable(hdu: Hdu): Table | undefined {
  try {
    return new Table(hdu);
  } catch (error) {
    if (error instanceof FitsError) return undefined;
    throw error;
  }
}

/** Tables with one column of wavelengths and one of fluxes. */
function spectrumTables(file: FitsFile): SpectrumTable[] {
  return file.hdus.flatMap((hdu) => {
    if (hdu.kind !== 'table') return [];
    const table = readableTable(hdu);
    if (!table) return [];
    const [wave, otherWave] = columnsNamed(table, WAVELENGTH_NAMES);
    const [flux, otherFlux] = columnsNamed(table, FLUX_NAMES);
    return wave && flux && !otherWave && !otherFlux ? [{ hdu, table, wave, flux }] : [];
  });
}

/**
 * A table with a column of wavelengths and one of fluxes: `spectral`, `flux` (VO) or the usual names of them, one row a
 * pixel or one row of arrays, unit from TUNIT.
 */
export const table: Loader = {
  layout: 'table',
  identify: (file) => spectrumTables(file).length > 0,
  read: (file, reading) => {
    const [found, ...others] = spectrumTables(file);
    if (!found) throw new FitsError('not-a-spectrum', 'no table of wavelengths and fluxes');
    if (others.length > 0) {
      throw new FitsError(
        'not-a-spectrum',
        `${others.length + 1} tables of wavelengths and fluxes, and none told apart`,
      );
    }
    const values = (column: Column): Float64Array => onePixelAnElement(found, column);
    const flux = values(found.flux);
    const raw = values(found.wave);
    const [ivarColumn] = columnsNamed(found.table, IVAR_NAMES);
    const ivar = ivarColumn && values(ivarColumn);
    if (raw.length !== flux.length || (ivar && ivar.length !== flux.length)) {
      throw new FitsError(
        'garbled',
        `columns of ${raw.length} wavelengths and ${flux.length} fluxes`,
        found.hdu.index,
      );
    }
    const isLog10 = found.wave.name.toLowerCase() === 'loglam';
    const wavelengths = ownWavelengths(
      isLog10 ? raw : toAngstrom(raw, found.wave.unit, `column ${found.wave.name}`),
      isLog10,
    );
    const metadata = genericMetadata(file, found.hdu);
    const pixels = { name: '', wavelengths, flux, ...(ivar ? { ivar } : {}) };
    return {
      layout: 'table',
      medium: declaredMedium(file, found.hdu),
      arms: [makeArm(pixels, armReading(reading, metadata))],
      metadata,
    };
  },
};

/** A column as pixels: one value a row, or the array of the only row. */
function onePixelAnElement({ hdu, table }: SpectrumTable, column: Column): Float64Array {
  if (table.rows > 1 && (column.repeat !== 1 || column.elements)) {
    throw new FitsError('not-a-spectrum', `a table of ${table.rows} spectra, not one`, hdu.index);
  }
  if (table.rows * column.repeat > MAX_PIXELS) {
    throw new FitsError(
      'not-a-spectrum',
      `column ${column.name} has ${table.rows * column.repeat} values`,
      hdu.index,
    );
  }
  return column.elements ? (table.arrays(column)[0] ?? new Float64Array(0)) : table.numbers(column);
}
