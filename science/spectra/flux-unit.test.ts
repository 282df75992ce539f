import { expect, it } from 'vitest';
import { fluxUnit } from './flux-unit.ts';

const hdu = (cards: Record<string, string>) => ({
  index: 0,
  name: '',
  kind: 'image',
  cards: Object.entries(cards).map(([keyword, value]) => ({ keyword, value })),
});

it.each([
  ['1E-17 erg/cm^2/s/Ang', '10**-17 erg/s/cm**2/Angstrom'],
  ['10**(-17) erg s-1 cm-2 A-1', '10**-17 erg/s/cm**2/Angstrom'],
  ['10^-16 erg/(s cm2 Angstrom)', '10**-16 erg/s/cm**2/Angstrom'],
  ['erg/s/cm**2/Angstrom', 'erg/s/cm**2/Angstrom'],
  ['erg cm^-2 s^-1 A^-1', 'erg/s/cm**2/Angstrom'],
  ['ADU', undefined],
  ['erg/s/cm2/Hz', undefined],
  ['', undefined],
])('understands %s', (declared, unit) => {
  expect(fluxUnit([hdu({ BUNIT: declared })])).toBe(unit);
});

it('prefers the unit of the flux column', () => {
  const table = hdu({ TTYPE1: 'LOGLAM', TTYPE2: 'FLUX', TUNIT2: '1E-17 erg/cm^2/s/Ang' });
  expect(fluxUnit([hdu({ BUNIT: 'ADU' }), table])).toBe('10**-17 erg/s/cm**2/Angstrom');
  expect(fluxUnit([hdu({ OBJECT: 'x' })])).toBe(undefined);
});
