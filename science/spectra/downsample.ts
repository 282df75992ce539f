import type { Curve } from './curve.ts';

/**
 * At most `maxPoints` points of a curve, in their order, that draw the same shape: the lowest and the highest of
 * every stretch, so that no line is lost however narrow, the first and the last, and one point that is not
 * finite for every stretch that has one, so that gaps stay gaps. Points are chosen, never made up.
 */
export function downsample(curve: Curve, maxPoints: number): Curve {
  const { wave, flux } = curve;
  if (flux.length <= maxPoints) return curve;
  const pointsPerStretch = flux.every(Number.isFinite) ? 2 : 3;
  const stretches = Math.floor((maxPoints - 2) / pointsPerStretch);
  const chosen: number[] = [];
  if (stretches === 0) {
    chosen.push(...extremes(flux, 0, flux.length).slice(0, maxPoints));
  } else {
    chosen.push(0);
    const inner = flux.length - 2;
    for (let stretch = 0; stretch < stretches; stretch++) {
      const start = 1 + Math.floor((stretch * inner) / stretches);
      const end = 1 + Math.floor(((stretch + 1) * inner) / stretches);
      chosen.push(...extremes(flux, start, end));
    }
    chosen.push(flux.length - 1);
  }
  chosen.sort((a, b) => a - b);
  return {
    wave: Float64Array.from(chosen, (index) => wave[index] ?? Number.NaN),
    flux: Float64Array.from(chosen, (index) => flux[index] ?? Number.NaN),
  };
}

/** Indices of the lowest, the highest and the first not finite value in [start, end), where there are such. */
function extremes(flux: Float64Array, start: number, end: number): number[] {
  let lowest = -1;
  let highest = -1;
  let gap = -1;
  let low = Infinity;
  let high = -Infinity;
  for (let index = start; index < end; index++) {
    const value = flux[index] ?? Number.NaN;
    if (!Number.isFinite(value)) {
      if (gap < 0) gap = index;
      continue;
    }
    if (value < low) {
      low = value;
      lowest = index;
    }
    if (value > high) {
      high = value;
      highest = index;
    }
  }
  return [...new Set([highest, lowest, gap])].filter((index) => index >= 0);
}
