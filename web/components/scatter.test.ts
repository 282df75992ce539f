import { expect, it } from 'vitest';
import { nearestPoint, type Pixel, pointsInside, toPixels, type View, viewOfAll, zoomAt } from './scatter.ts';

const size = { width: 400, height: 200 };
const toPixel = (view: View, x: number, y: number): Pixel => {
  const points = toPixels(view, size, [x], [y]);
  return [points.x[0] ?? NaN, points.y[0] ?? NaN];
};
const at = (...pixels: Pixel[]) => ({
  x: Float32Array.from(pixels, ([x]) => x),
  y: Float32Array.from(pixels, ([, y]) => y),
});

it('shows all points, with equal distances equally long in both directions', () => {
  const view = viewOfAll([-10, 10], [0, 5], size);
  const [left, low] = toPixel(view, -10, 0);
  const [right, high] = toPixel(view, 10, 5);
  expect([left, right]).toEqual([16, 384]);
  expect((right - left) / (low - high)).toBeCloseTo(20 / 5);
  expect(toPixel(viewOfAll([3], [4], size), 3, 4)).toEqual([200, 100]);
});
it('zooms around the pointer', () => {
  const view = viewOfAll([-10, 10], [0, 5], size);
  const middle: Pixel = [100, 50];
  const near = zoomAt(view, size, middle, 3);
  const x = view.x + (middle[0] - 200) / view.scale;
  const y = view.y + (100 - middle[1]) / view.scale;
  expect(toPixel(near, x, y).map(Math.round)).toEqual([...middle]);
  expect(near.scale).toBeCloseTo(3 * view.scale);
});
it('finds the nearest point that is shown, within reach', () => {
  const points = at([10, 10], [14, 10], [90, 90]);
  expect(nearestPoint(points, [13, 10], 8, () => true)).toBe(1);
  expect(nearestPoint(points, [13, 10], 8, (index) => index !== 1)).toBe(0);
  expect(nearestPoint(points, [50, 50], 8, () => true)).toBeUndefined();
});
it('knows what a lasso has caught, hollows left out', () => {
  const outline: Pixel[] = [
    [0, 0],
    [10, 0],
    [10, 10],
    [5, 2],
    [0, 10],
  ];
  expect(pointsInside(at([5, 8], [1, 5], [20, 5]), outline)).toEqual([1]);
});
