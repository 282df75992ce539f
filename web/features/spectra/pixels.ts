import { toCsv } from '../../components/csv.ts';
import type { Band, Curve, Shade } from '../../components/curve.ts';

/** One arm as a file has it: arrays of one length. */
export interface Arm {
  /** [Å], rising. */
  wave: ArrayLike<number>;
  flux: ArrayLike<number>;
  ivar: ArrayLike<number> | undefined;
  /** 1 for a bad pixel. */
  bad: ArrayLike<number>;
}

/** The pixels of a spectrum in order of wavelength; between two arms there is one without flux. */
export interface Pixels {
  curve: Curve;
  /** 1/√ivar; null where it is not known. */
  sigma: (number | null)[];
  isBad: boolean[];
}

export function pixelsOf(arms: readonly Arm[]): Pixels {
  const pixels: Pixels = { curve: { x: [], y: [] }, sigma: [], isBad: [] };
  const add = (x: number, y: number | null, sigma: number | null, isBad: boolean) => {
    pixels.curve.x.push(x);
    pixels.curve.y.push(y);
    pixels.sigma.push(sigma);
    pixels.isBad.push(isBad);
  };
  const firstOf = (arm: Arm) => arm.wave[0] ?? Infinity;
  for (const arm of arms.toSorted((a, b) => firstOf(a) - firstOf(b))) {
    const last = pixels.curve.x.at(-1);
    if (last !== undefined && arm.wave.length > 0) add((last + firstOf(arm)) / 2, null, null, false);
    for (let index = 0; index < arm.wave.length; index += 1) {
      const [flux = NaN, ivar = NaN] = [arm.flux[index], arm.ivar?.[index]];
      add(
        arm.wave[index] ?? NaN,
        Number.isFinite(flux) ? flux : null,
        ivar > 0 && Number.isFinite(ivar) ? 1 / Math.sqrt(ivar) : null,
        arm.bad[index] === 1,
      );
    }
  }
  // Arms may overlap (MRS after a shift): a plot wants rising wavelengths.
  const { x } = pixels.curve;
  if (x.every((value, index) => index === 0 || value >= (x[index - 1] ?? -Infinity))) return pixels;
  const order = x.map((_, index) => index).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  const sorted = <T>(values: readonly T[]): T[] => order.flatMap((index) => values.slice(index, index + 1));
  return {
    curve: { x: sorted(x), y: sorted(pixels.curve.y) },
    sigma: sorted(pixels.sigma),
    isBad: sorted(pixels.isBad),
  };
}

/** One standard deviation to both sides of a curve; undefined where no pixel has an error. */
export function errorBand({ x, y }: Curve, sigma: readonly (number | null)[]): Band | undefined {
  if (!sigma.some((value) => value !== null)) return undefined;
  const beside = (sign: 1 | -1) =>
    y.map((value, index) => {
      const error = sigma[index];
      return value === null || typeof error !== 'number' ? null : value + sign * error;
    });
  return { x, low: beside(-1), high: beside(1) };
}

/** Runs of bad pixels, from half-way to the pixel before to half-way to the one after. */
export function badShades({ curve: { x }, isBad }: Pixels): Shade[] {
  const shades: Shade[] = [];
  const half = (a: number, b: number) => ((x[a] ?? x[b] ?? 0) + (x[b] ?? x[a] ?? 0)) / 2;
  for (let index = 0; index < x.length; index += 1) {
    if (!isBad[index]) continue;
    const first = index;
    while (isBad[index + 1]) index += 1;
    shades.push({ from: half(first - 1, first), to: half(index, index + 1), kind: 'bad' });
  }
  return shades;
}

/** Columns wavelength, flux, error and bad (0 or 1), and with smoothing the smoothed flux: what the plot is made of. */
export function pixelsCsv({ curve, sigma, isBad }: Pixels, smoothed: Curve | undefined): string {
  return toCsv(
    ['wavelength_angstrom', 'flux', 'flux_error', 'bad', ...(smoothed ? ['flux_smoothed'] : [])],
    curve.x.map((x, index) => [
      x,
      curve.y[index],
      sigma[index],
      isBad[index] ? 1 : 0,
      ...(smoothed ? [smoothed.y[index]] : []),
    ]),
  );
}
