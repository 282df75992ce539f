import { expect, it } from 'vitest';
import { ticksOf } from './ticks.ts';

const texts = (...range: Parameters<typeof ticksOf>) => ticksOf(...range).map(({ text }) => text);

it('has round numbers, some as many as asked for', () => {
  expect(texts(3700, 9000, 6)).toEqual(['4000', '5000', '6000', '7000', '8000', '9000']);
  expect(texts(-1.06, 1.06, 5)).toEqual(['−1.0', '−0.5', '0', '0.5', '1.0']);
  expect(texts(0, 3e-8, 3)).toEqual(['0', '1.00e−8', '2.00e−8', '3.00e−8']);
  expect(texts(1, 1, 5)).toEqual([]);
});
