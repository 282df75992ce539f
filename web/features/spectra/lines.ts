/** Which lines: chosen by groups, for no one wants all of them at once. */
export const LINE_GROUPS = ['hydrogen', 'stellar', 'nebular', 'quasar', 'telluric'] as const;
export type LineGroup = (typeof LINE_GROUPS)[number];

interface Line {
  /** Vacuum wavelength at rest [Å]. */
  at: number;
  name: string;
}

/** Lines of a source (SDSS line list, NIST), vacuum wavelengths. */
const GROUPS: Record<Exclude<LineGroup, 'telluric'>, readonly Line[]> = {
  hydrogen: [
    { at: 3890.15, name: 'H8' },
    { at: 3971.2, name: 'Hε' },
    { at: 4102.89, name: 'Hδ' },
    { at: 4341.68, name: 'Hγ' },
    { at: 4862.68, name: 'Hβ' },
    { at: 6564.61, name: 'Hα' },
  ],
  stellar: [
    { at: 3934.78, name: 'Ca K' },
    { at: 3969.59, name: 'Ca H' },
    { at: 4305.61, name: 'G band' },
    { at: 5176.7, name: 'Mg b' },
    { at: 5895.6, name: 'Na D' },
    { at: 8500.36, name: 'Ca II' },
    { at: 8544.44, name: 'Ca II' },
    { at: 8664.52, name: 'Ca II' },
  ],
  nebular: [
    { at: 3728.48, name: '[O II]' },
    { at: 3869.86, name: '[Ne III]' },
    { at: 4364.44, name: '[O III]' },
    { at: 4687.02, name: 'He II' },
    { at: 4960.3, name: '[O III]' },
    { at: 5008.24, name: '[O III]' },
    { at: 5877.25, name: 'He I' },
    { at: 6302.05, name: '[O I]' },
    { at: 6549.86, name: '[N II]' },
    { at: 6585.27, name: '[N II]' },
    { at: 6718.29, name: '[S II]' },
    { at: 6732.67, name: '[S II]' },
  ],
  quasar: [
    { at: 1215.67, name: 'Lyα' },
    { at: 1240.81, name: 'N V' },
    { at: 1399.8, name: 'Si IV' },
    { at: 1549.48, name: 'C IV' },
    { at: 1908.73, name: 'C III]' },
    { at: 2799.12, name: 'Mg II' },
  ],
};

/** Bands that oxygen and water of the Earth's air absorb, vacuum wavelengths [Å]: they do not move with the source. */
const TELLURIC: readonly { from: number; to: number }[] = [
  { from: 6280, to: 6325 },
  { from: 6869, to: 6948 },
  { from: 7170, to: 7350 },
  { from: 7595, to: 7705 },
  { from: 8140, to: 8350 },
  { from: 8950, to: 9250 },
];

/** Well-known lines, vacuum wavelengths [Å]. */
export const LINES: readonly Line[] = (['hydrogen', 'stellar', 'nebular'] as const)
  .flatMap((group) => GROUPS[group])
  .toSorted((a, b) => a.at - b.at);

/**
 * The wavelength in air of a wavelength in vacuum [Å]: refractive index of standard air by Ciddor 1996
 * (doi:10.1364/AO.35.001566). Below 2000 Å the convention is vacuum.
 */
export function airWavelength(vacuumAngstrom: number): number {
  if (vacuumAngstrom < 2000) return vacuumAngstrom;
  const squared = (1e4 / vacuumAngstrom) ** 2;
  const index = 1 + 0.05792105 / (238.0185 - squared) + 0.00167917 / (57.362 - squared);
  return vacuumAngstrom / index;
}

/** Lines as a source of redshift `z` shows them, on a wavelength axis in air or vacuum. */
export function linesAt(
  z: number,
  options: { groups?: readonly LineGroup[]; medium?: 'air' | 'vacuum' } = {},
): Line[] {
  const { groups, medium = 'vacuum' } = options;
  const lines = groups ? groups.flatMap((group) => (group === 'telluric' ? [] : GROUPS[group])) : [...LINES];
  // The air is around the telescope: the line is shifted first.
  const observed = (at: number) => (medium === 'air' ? airWavelength(at * (1 + z)) : at * (1 + z));
  return lines.map(({ at, name }) => ({ at: observed(at), name })).sort((a, b) => a.at - b.at);
}

/** The telluric bands on an axis in air or vacuum. */
export function telluricBands(medium: 'air' | 'vacuum'): { from: number; to: number }[] {
  const shown = (at: number) => (medium === 'air' ? airWavelength(at) : at);
  return TELLURIC.map(({ from, to }) => ({ from: shown(from), to: shown(to) }));
}

export const SPEED_OF_LIGHT_KMS = 299_792.458;
