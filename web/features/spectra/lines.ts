/** Well-known lines, vacuum wavelengths [Å] (NIST; SDSS line list). */
export const LINES: readonly { at: number; name: string }[] = [
  { at: 3728.48, name: '[O II]' },
  { at: 3934.78, name: 'Ca K' },
  { at: 3969.59, name: 'Ca H' },
  { at: 4102.89, name: 'Hδ' },
  { at: 4341.68, name: 'Hγ' },
  { at: 4862.68, name: 'Hβ' },
  { at: 4960.3, name: '[O III]' },
  { at: 5008.24, name: '[O III]' },
  { at: 5176.7, name: 'Mg b' },
  { at: 5895.6, name: 'Na D' },
  { at: 6564.61, name: 'Hα' },
  { at: 6718.29, name: '[S II]' },
  { at: 8500.36, name: 'Ca II' },
  { at: 8544.44, name: 'Ca II' },
  { at: 8664.52, name: 'Ca II' },
];

/** The lines as a source of redshift `z` shows them. */
export function linesAt(z: number): { at: number; name: string }[] {
  return LINES.map((line) => ({ at: line.at * (1 + z), name: line.name }));
}
