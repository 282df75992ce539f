import { expect, it } from 'vitest';
import { joinArms } from './curve.ts';

const arm = (name: string, wave: number[], flux: number[]) => ({
  name,
  wavelengthAngstrom: Float64Array.from(wave),
  reachAngstrom: [wave[0] ?? Number.NaN, wave.at(-1) ?? Number.NaN] as const,
  flux: Float64Array.from(flux),
  bad: new Uint8Array(wave.length),
});

it('joins arms in order of wavelength, with a hole in the gap', () => {
  const red = arm('R', [6300, 6301], [3, 4]);
  const blue = arm('B', [4950, 4951], [1, 2]);
  const { wave, flux } = joinArms([red, arm('empty', [], []), blue]);
  expect([...wave]).toEqual([4950, 4951, (4951 + 6300) / 2, 6300, 6301]);
  expect([...flux]).toEqual([1, 2, Number.NaN, 3, 4]);
});

it('leaves a single arm as it is', () => {
  const { wave, flux } = joinArms([arm('whole', [4000, 4001], [5, Number.NaN])]);
  expect([[...wave], [...flux]]).toEqual([
    [4000, 4001],
    [5, Number.NaN],
  ]);
});
