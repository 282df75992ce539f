/**
 * Marks the pixels whose flux is not finite, or whose ivar is 0 or not finite: 1 in `bad`, 0 for the others.
 * @param bad as long as the fluxes; returned
 */
export function markBad(bad: Uint8Array, flux: Float64Array, ivar: Float64Array | undefined): Uint8Array {
  for (let i = 0; i < bad.length; i++)
    bad[i] = isBadFlux(flux[i] ?? NaN) || (ivar !== undefined && isBadIvar(ivar[i] ?? NaN)) ? 1 : 0;
  return bad;
}

export function isBadFlux(flux: number): boolean {
  return !Number.isFinite(flux);
}

export function isBadIvar(ivar: number): boolean {
  return ivar === 0 || !Number.isFinite(ivar);
}
