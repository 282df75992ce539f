import { expect, it } from 'vitest';
import { type Dots, drawDots } from './scatter-raster.ts';

/** Colour and strength of a pixel of a picture of 20 × 10. */
function drawn(dots: Partial<Dots>, ...pixels: [x: number, y: number][]) {
  const picture = {
    width: 20,
    height: 10,
    data: new Uint8ClampedArray(800),
    colorSpace: 'srgb' as const,
    pixelFormat: 'rgba-unorm8' as const,
  };
  const points = { x: Float32Array.of(5, 15, -1), y: Float32Array.of(5, 5, 0) };
  drawDots(picture, points, 1, {
    groupOf: [0, 1, 1],
    colours: ['#ff0000', '#0000ff'],
    radius: 2,
    isShown: () => true,
    ...dots,
  });
  return pixels.map(([x, y]) => [...picture.data.subarray(4 * (20 * y + x), 4 * (20 * y + x) + 4)]);
}

it('draws discs in the colours of their groups, those at the edge in part, and nothing between', () => {
  const [red, blue, corner, between] = drawn({}, [5, 5], [15, 5], [0, 0], [10, 5]);
  expect([red, blue, between]).toEqual([
    [255, 0, 0, 204],
    [0, 0, 255, 204],
    [0, 0, 0, 0],
  ]);
  expect(corner?.[3]).toBeGreaterThan(0);
});
it('leaves hidden ones out, and the others faint where some are chosen', () => {
  const [red, blue] = drawn({ isShown: (index) => index === 0 }, [5, 5], [15, 5]);
  expect([red?.[3], blue?.[3]]).toEqual([204, 0]);
  const [chosen, faint] = drawn({ chosen: new Set([0]) }, [5, 5], [15, 5]);
  expect(chosen?.[3]).toBe(204);
  expect(faint?.[3]).toBeLessThan(60);
});
