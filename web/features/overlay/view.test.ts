import { describe, expect, it } from 'vitest';
import { clampView, panView, placeOf, zoomView } from './view.ts';

const bounds = { xMin: 4000, xMax: 8000, yMin: -1, yMax: 3 };
const view = { xMin: 5000, xMax: 6000, yMin: 0, yMax: 1 };

describe('views', () => {
  it('move within their bounds', () => {
    expect(panView(view, 0.5, 1, bounds)).toEqual({ xMin: 5500, xMax: 6500, yMin: 1, yMax: 2 });
    expect(panView(view, 99, -99, bounds)).toEqual({ xMin: 7000, xMax: 8000, yMin: -1, yMax: 0 });
  });
  it('zoom about the point under the pointer', () => {
    expect(zoomView(view, { x: 0.5, y: 1 }, { x: 0.25, y: 0 }, bounds)).toEqual({
      xMin: 5125,
      xMax: 5625,
      yMin: 0,
      yMax: 1,
    });
    expect(zoomView(view, { x: 99, y: 99 }, { x: 0.5, y: 0.5 }, bounds)).toEqual(bounds);
  });
  it('come no closer than a ten-thousandth of everything', () => {
    const closest = zoomView(view, { x: 1e-9, y: 1 }, { x: 0.5, y: 0.5 }, bounds);
    expect(closest.xMax - closest.xMin).toBeCloseTo(0.4);
  });
  it('are pushed back where they lie outside', () => {
    expect(clampView({ xMin: 0, xMax: 1000, yMin: 0, yMax: 1 }, bounds)).toMatchObject({
      xMin: 4000,
      xMax: 5000,
    });
  });
});

it('places an older picture where it belongs', () => {
  expect(placeOf(bounds, view, 100, 100)).toEqual({ left: -100, top: -200, width: 400, height: 400 });
  expect(placeOf(view, view, 100, 50)).toEqual({ left: 0, top: 0, width: 100, height: 50 });
});
