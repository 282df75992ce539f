import { expect, it } from 'vitest';
import { colourPixels, colourTable, fullCount, gradientOf } from './colours.ts';

const rgba = (table: Uint32Array, count: number) =>
  Array.from(new Uint8Array(table.buffer).subarray(4 * count, 4 * count + 4));

it.each(['light', 'dark'] as const)('goes from one end of the colours to the other, %s', (ground) => {
  for (const scale of ['log', 'linear'] as const) {
    const table = colourTable(100, scale, ground);
    expect(rgba(table, 0)).toEqual([0, 0, 0, 0]);
    const [one, most] = [rgba(table, 1), rgba(table, 100)];
    expect(gradientOf(ground)).toContain(`rgb(${one.slice(0, 3).join(' ')})`);
    expect(gradientOf(ground)).toContain(`rgb(${most.slice(0, 3).join(' ')})`);
  }
  // A few lines of many get more of the colours on log than on linear.
  const red = (scale: 'log' | 'linear') => rgba(colourTable(100, scale, ground), 10)[2] ?? 0;
  expect(red('log')).not.toBe(red('linear'));
});

it('colours a picture of counts; one line alone is seen', () => {
  const table = colourTable(1, 'log', 'light');
  const pixels = colourPixels(Uint32Array.of(0, 1), table);
  expect(pixels[3]).toBe(0);
  expect(pixels[7]).toBe(255);
});

it('does not let a few full pixels make the others pale', () => {
  const counts = Uint32Array.from({ length: 1000 }, (_, index) =>
    index < 500 ? 0 : index < 999 ? index % 10 : 5000,
  );
  expect(fullCount(counts, 5000)).toBe(9);
  expect(fullCount(Uint32Array.of(0, 1, 1), 1)).toBe(1);
  expect(fullCount(Uint32Array.of(0, 0), 0)).toBe(0);
});
