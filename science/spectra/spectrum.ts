import type { SpectrumMetadata } from '../../contracts/spectrum.ts';

export type Medium = 'air' | 'vacuum' | 'unknown';

/**
 * One wavelength-ordered stretch of a spectrum: a whole low-resolution spectrum, or one arm of a
 * medium-resolution one; or the part of it that was asked for (`ReadOptions.neededRange`). All arrays have the same length and wavelengths never fall.
 */
export interface Arm {
  name: string;
  /** [Å], in the medium that the spectrum declares. */
  wavelengthAngstrom: Float64Array;
  /** Lowest and highest wavelength [Å] of the whole arm, whatever stretch of it the arrays hold. */
  reachAngstrom: readonly [first: number, last: number];
  /** The wavelengths lie in memory that many spectra share and nothing changes: what is worked out from them can be kept. */
  hasSharedWavelengths?: boolean;
  /** In the file's own unit, as it stands there: not finite values are kept. */
  flux: Float64Array;
  /** Inverse variance; absent where the file has none. */
  ivar?: Float64Array;
  /**
   * 1 where a pixel is bad by SCIENCE.md: IVAR=0 or not finite, flux not finite, and for LAMOST ANDMASK≠0,
   * for SDSS the documented bits. All 0 where the file says nothing against its pixels.
   */
  bad: Uint8Array;
}

/** A spectrum as its file has it, before any resampling. */
export interface RawSpectrum {
  /** Which loader read it, e.g. `lamost-dr1`. */
  layout: string;
  medium: Medium;
  /** One arm, or several in order of wavelength (medium resolution: B then R). */
  arms: Arm[];
  metadata: SpectrumMetadata;
}
