import { expect, it } from 'vitest';
import { airWavelength, LINES, linesAt, telluricBands } from './lines.ts';

it('knows wavelengths in air (NIST: Hα 6562.80, Na D2 5889.95 from 5891.58, below 2000 Å vacuum)', () => {
  expect(airWavelength(6564.61)).toBeCloseTo(6562.8, 1);
  expect(airWavelength(5891.583)).toBeCloseTo(5889.951, 2);
  expect(airWavelength(1215.67)).toBe(1215.67);
});

it('moves lines with the source, and then into the air of the telescope', () => {
  const at = (lines: { at: number; name: string }[], name: string) =>
    lines.find((line) => line.name === name)?.at;
  expect(at(linesAt(0), 'Hα')).toBe(6564.61);
  expect(at(linesAt(0.1), 'Hα')).toBeCloseTo(7221.07, 2);
  expect(at(linesAt(0.1, { groups: ['hydrogen'], medium: 'air' }), 'Hα')).toBeCloseTo(
    airWavelength(7221.071),
    6,
  );
  expect(linesAt(0, { groups: ['quasar'] }).map(({ name }) => name)).toContain('Mg II');
  expect(linesAt(0, { groups: ['telluric'] })).toEqual([]);
});

it('lists lines in order of wavelength', () => {
  const places = LINES.map(({ at }) => at);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

it('keeps the bands of our air where they are', () => {
  expect(telluricBands('vacuum')).toContainEqual({ from: 7595, to: 7705 });
  for (const { from, to } of telluricBands('air')) expect(from).toBeLessThan(to);
});
