import { byteAt, floatAt } from './elements.ts';
import { medianInPlace } from './median.ts';
import { type Pixels, startsArm } from './pixels.ts';

/** A spike stands this many σ of the noise above (or below) both its neighbours. */
const SPIKE_SIGMAS = 8;
/** Its neighbours differ from the pixels beyond them by less than this share of the spike's height … */
const QUIET_SHARE = 0.25;
/** … or by less than this many σ: three times the deviation of a difference of two pixels. */
const QUIET_SIGMAS = 3 * Math.SQRT2;

/** Without ivar the noise is measured in stretches of this width in ln λ: 2 %, about 130 LAMOST pixels. */
const NOISE_STRETCH = 0.02;
/** Fewer second differences than this tell no noise. */
const LEAST_DIFFERENCES = 10;
/** Standard deviation by the median of absolute second differences f(i) − (f(i−1) + f(i+1))/2 of white noise. */
const SIGMA_PER_DIFFERENCE = 1.4826 / Math.sqrt(1.5);

/** How far beyond a wavelength pixels are looked at, as a share of it: the stretch that it lies in. */
export const DESPIKE_REACH = 2 * NOISE_STRETCH;

/**
 * Takes cosmic-ray hits out: a used pixel that stands far out from both neighbours, in the same direction, while each of
 * these is as quiet against the pixel beyond it. The spectrograph spreads every line over more than two pixels (FWHM),
 * so that a line's neighbours are not quiet, and no line is touched, however strong. The pixel gets the neighbours' mean.
 *
 * The noise is 1/√ivar, the largest of the three pixels; without ivar, 1.4826 times the median absolute second
 * difference in a stretch of 2 % in wavelength, over √1.5.
 *
 * @param despiked where the flux goes, at the pixels' indices
 * @returns how many pixels were replaced from `from` to `to` [Å]
 */
export function despike(
  pixels: Pixels,
  from: number,
  to: number,
  despiked: Float64Array,
  memory: Float64Array,
): number {
  const { wavelengthAngstrom: wave, flux, ivar, first, end } = pixels;
  let replaced = 0;
  let stretch = NaN;
  let noise = NaN;
  for (let i = first; i < end; i++) {
    const value = floatAt(flux, i);
    despiked[i] = value;
    if (i < first + 2 || i >= end - 2) continue;
    const below = floatAt(flux, i - 1);
    const above = floatAt(flux, i + 1);
    const height = Math.min(Math.abs(value - below), Math.abs(value - above));
    if (!((value - below) * (value - above) > 0)) continue;
    const unrest = Math.max(Math.abs(below - floatAt(flux, i - 2)), Math.abs(above - floatAt(flux, i + 2)));
    // Most pixels end here, before the noise is known: a quiet neighbour is quiet by one of the two measures.
    if (!(unrest <= height * Math.max(QUIET_SHARE, QUIET_SIGMAS / SPIKE_SIGMAS))) continue;
    if (!areUsedTogether(pixels, i)) continue;
    if (ivar) {
      noise = 1 / Math.sqrt(Math.min(floatAt(ivar, i - 1), floatAt(ivar, i), floatAt(ivar, i + 1)));
    } else {
      const here = Math.floor(Math.log(floatAt(wave, i)) / NOISE_STRETCH);
      if (here !== stretch) noise = noiseAround(pixels, i, here, memory);
      stretch = here;
    }
    if (!(height > SPIKE_SIGMAS * noise)) continue;
    if (!(unrest <= Math.max(QUIET_SHARE * height, QUIET_SIGMAS * noise))) continue;
    despiked[i] = (below + above) / 2;
    if (floatAt(wave, i) >= from && floatAt(wave, i) <= to) replaced++;
  }
  return replaced;
}

/** Whether the pixel and two on either side of it are used and of one arm. */
function areUsedTogether(pixels: Pixels, i: number): boolean {
  const { skipped } = pixels;
  for (let j = i - 2; j <= i + 2; j++)
    if (byteAt(skipped, j) !== 0 || (j > i - 2 && startsArm(pixels, j))) return false;
  return true;
}

/** σ of the noise in the stretch number `stretch` around pixel `i`; NaN where too few pixels tell it. */
function noiseAround(pixels: Pixels, i: number, stretch: number, differences: Float64Array): number {
  const { wavelengthAngstrom: wave, flux, skipped } = pixels;
  const from = Math.exp(stretch * NOISE_STRETCH);
  const to = Math.exp((stretch + 1) * NOISE_STRETCH);
  let j = i;
  while (j > pixels.first && floatAt(wave, j - 1) >= from) j--;
  let count = 0;
  for (j = Math.max(j, pixels.first + 1); j < pixels.end - 1 && floatAt(wave, j) < to; j++) {
    if (byteAt(skipped, j - 1) !== 0 || byteAt(skipped, j) !== 0 || byteAt(skipped, j + 1) !== 0) continue;
    const difference = Math.abs(floatAt(flux, j) - (floatAt(flux, j - 1) + floatAt(flux, j + 1)) / 2);
    // Kept bad pixels may hold no number, and the first of an arm has its neighbour far away.
    if (difference - difference === 0 && !startsArm(pixels, j) && !startsArm(pixels, j + 1))
      differences[count++] = difference;
  }
  return count < LEAST_DIFFERENCES ? NaN : SIGMA_PER_DIFFERENCE * medianInPlace(differences, count);
}
