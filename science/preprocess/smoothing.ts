import { byteAt, floatAt, indexAt } from './elements.ts';
import type { Pixels } from './pixels.ts';

/** FWHM of a Gaussian of standard deviation 1. */
const FWHM_PER_SIGMA = 2 * Math.sqrt(2 * Math.log(2));

/** The kernel ends here: beyond it lies 6e-7 of a Gaussian. */
export const KERNEL_SIGMAS = 5;

/** A Gaussian kernel whose standard deviation at the wavelength λ is `constantAngstrom` + `perAngstrom`·λ [Å]. */
export interface Kernel {
  constantAngstrom: number;
  perAngstrom: number;
}

/**
 * The kernel that takes a spectrum of resolution `from` = λ/Δλ (FWHM) to resolution `to`:
 * σ² = ((λ/to)² − (λ/from)²) / 2.3548².
 */
export function kernelBetween(from: number, to: number): Kernel {
  return { constantAngstrom: 0, perAngstrom: Math.sqrt(to ** -2 - from ** -2) / FWHM_PER_SIGMA };
}

// exp(-u) for u = 0, 1/64, 2/64 …; what lies between comes from four terms of its series, to 3e-9.
const STEPS_PER_UNIT = 64;
const LARGEST_EXPONENT = (KERNEL_SIGMAS * KERNEL_SIGMAS) / 2;
const EXPONENTIALS = Float64Array.from({ length: LARGEST_EXPONENT * STEPS_PER_UNIT + 2 }, (_, k) =>
  Math.exp(-k / STEPS_PER_UNIT),
);

/**
 * Smooths the used pixels from `first` up to `end`: each becomes the mean of the used pixels of its segment, weighted by
 * exp(−(λj − λi)² / 2σi²), the weights adding up to 1. Nothing crosses an unbridged gap or the end of an arm.
 *
 * @param pixels with segments found; not changed
 * @param smoothed where the values go, at the pixels' indices; other elements are left as they are
 */
export function smooth(
  pixels: Pixels,
  kernel: Kernel,
  first: number,
  end: number,
  smoothed: Float64Array,
): void {
  const { wavelengthAngstrom: wave, flux, skipped } = pixels;
  for (let segment = 0; segment < pixels.segments; segment++) {
    const segmentFirst = indexAt(pixels.segmentFirst, segment);
    const segmentLast = indexAt(pixels.segmentLast, segment);
    const stop = Math.min(end - 1, segmentLast);
    let low = segmentFirst;
    for (let i = Math.max(first, segmentFirst); i <= stop; i++) {
      if (byteAt(skipped, i) !== 0) continue;
      const centre = floatAt(wave, i);
      const sigma = kernel.constantAngstrom + kernel.perAngstrom * centre;
      const reach = KERNEL_SIGMAS * sigma;
      const exponentScale = STEPS_PER_UNIT / (2 * sigma * sigma);
      while (centre - floatAt(wave, low) > reach) low++;
      let sum = 0;
      let weights = 0;
      for (let j = low; j <= segmentLast; j++) {
        const distance = floatAt(wave, j) - centre;
        if (distance > reach) break;
        if (byteAt(skipped, j) !== 0) continue;
        const exponent = distance * distance * exponentScale;
        const k = exponent | 0;
        const rest = (exponent - k) / STEPS_PER_UNIT;
        const weight = floatAt(EXPONENTIALS, k) * (1 - rest * (1 - rest * (1 / 2 - rest / 6)));
        sum += weight * floatAt(flux, j);
        weights += weight;
      }
      smoothed[i] = sum / weights;
    }
  }
}
