import { armsInOrder } from '../spectra/curve.ts';
import type { RawSpectrum } from '../spectra/spectrum.ts';
import type { CatalogueTable } from './table.ts';

/** A pixel of one spectrum. */
export interface PixelRow {
  /** [Å] */
  wave: number;
  flux: number;
  /** Standard deviation of the flux; NaN where it is not known. */
  error: number;
  bad: number;
  arm: string;
}

const MEDIUMS = { air: 'in air', vacuum: 'in vacuum', unknown: 'in air or vacuum: the file does not say' };

/**
 * One spectrum as a table, a row a pixel: `wave`, `flux`, `error` where the file has inverse variances, `bad`, and `arm`
 * where there are several.
 * @param fluxUnit as FITS and VOTable write it; absent: the file names none that they know
 */
export function spectrumTable(
  { arms, medium }: RawSpectrum,
  fluxUnit: string | undefined,
): CatalogueTable<PixelRow> {
  // Readers look for flux by its unit: one without it would be no spectrum to them.
  const unit = fluxUnit ?? 'adu';
  const note = fluxUnit === undefined ? ', as in the file, which names no unit: adu stands for any' : '';
  return {
    name: 'spectrum',
    description: 'One spectrum: a row a pixel',
    columns: [
      {
        name: 'wave',
        type: 'double',
        unit: 'Angstrom',
        ucd: 'em.wl',
        description: `Wavelength ${MEDIUMS[medium]}`,
        value: (row) => row.wave,
      },
      {
        name: 'flux',
        type: 'double',
        unit,
        ucd: 'phot.flux.density;em.wl',
        description: `Flux${note}`,
        value: (row) => row.flux,
      },
      ...(arms.some(({ ivar }) => ivar)
        ? [
            {
              name: 'error',
              type: 'double' as const,
              unit,
              ucd: 'stat.error;phot.flux.density;em.wl',
              description: 'Standard deviation of the flux, from the inverse variance of the file',
              value: (row: PixelRow) => row.error,
            },
          ]
        : []),
      {
        name: 'bad',
        type: 'int',
        ucd: 'meta.code.qual',
        description: '1: something speaks against the pixel (masked, no weight, not finite); 0: nothing does',
        value: (row) => row.bad,
      },
      ...(arms.length > 1
        ? [
            {
              name: 'arm',
              type: 'text' as const,
              ucd: 'meta.id;instr',
              description: 'Arm of the spectrograph',
              value: (row: PixelRow) => row.arm,
            },
          ]
        : []),
    ],
  };
}

/** The pixels of a spectrum, arm by arm in order of wavelength. */
export function* pixelRows({ arms }: RawSpectrum): Generator<PixelRow> {
  for (const arm of armsInOrder(arms))
    for (let i = 0; i < arm.flux.length; i++) {
      const ivar = arm.ivar?.[i] ?? NaN;
      yield {
        wave: arm.wavelengthAngstrom[i] ?? NaN,
        flux: arm.flux[i] ?? NaN,
        error: ivar > 0 ? 1 / Math.sqrt(ivar) : NaN,
        bad: arm.bad[i] ?? 0,
        arm: arm.name,
      };
    }
}
