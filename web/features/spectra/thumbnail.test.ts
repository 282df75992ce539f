import { expect, it } from 'vitest';
import { thumbnailPath } from './thumbnail.ts';

it('draws the shape of a spectrum, gaps left out', () => {
  expect(thumbnailPath({ x: [0, 1, 2, 3, 4], y: [0, 1, null, 1, 0] }, 100, 10)).toMatch(
    /^M0\.0 [\d.]+L25\.0 [\d.]+M75\.0 [\d.]+L100\.0 [\d.]+$/,
  );
  expect(thumbnailPath({ x: [], y: [] }, 100, 10)).toBe('');
});
