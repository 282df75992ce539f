import { describe, expect, it } from 'vitest';
import { linesWithin, nextLine, viewAround } from './line-views.ts';
import { outlineOf } from './outline.ts';

describe('the lines to zoom to', () => {
  const grid = [6519, 6600, 6732];
  const lines = [
    { at: 6718.29, name: '[S II]' },
    { at: 4862.68, name: 'Hβ' },
    { at: 6564.61, name: 'Hα' },
  ];

  it('are those of the grid, in order', () => {
    expect(linesWithin(lines, grid).map(({ name }) => name)).toEqual(['Hα', '[S II]']);
    expect(linesWithin(lines, [])).toEqual([]);
  });

  it('are seen with their surroundings, as far as the grid goes', () => {
    expect(viewAround({ at: 6620, name: 'x' }, grid)).toEqual({ min: 6575, max: 6665 });
    expect(viewAround({ at: 6720, name: 'x' }, grid)).toEqual({ min: 6675, max: 6732 });
  });

  it('are gone through from one of them on, and then everything is shown again', () => {
    const walk = (step: 1 | -1) => {
      const seen: number[] = [];
      let at: number | undefined;
      do {
        at = nextLine(3, at, { step, first: 1 });
        if (at !== undefined) seen.push(at);
      } while (at !== undefined);
      return seen;
    };
    expect(walk(1)).toEqual([1, 2, 0]);
    expect(walk(-1)).toEqual([0, 2, 1]);
    expect(nextLine(0, undefined, { step: 1, first: 0 })).toBeUndefined();
  });
});

describe('the outline of a curve', () => {
  const size = { width: 300, height: 100 };

  it('fills its box, over gaps', () => {
    const outline = outlineOf([{ x: [1, 2, 3], y: [0, null, 10] }], size);
    expect(outline).toEqual({ view: { min: 1, max: 3 }, paths: ['M0.0 96.0L300.0 4.0'] });
  });

  it('is of what is in view, on a scale of its own', () => {
    const outline = outlineOf([{ x: [1, 2, 3, 4], y: [900, 1, 2, 900] }], {
      ...size,
      view: { min: 2, max: 3 },
    });
    expect(outline?.paths).toEqual(['M0.0 96.0L300.0 4.0']);
  });

  it('is not where there are not two points', () => {
    expect(outlineOf([{ x: [1, 2], y: [1, null] }], size)).toBeUndefined();
    expect(outlineOf([{ x: [1, 2], y: [1, 1] }], { ...size, view: { min: 5, max: 6 } })).toBeUndefined();
  });

  it('keeps a line that is one pixel wide among thousands', () => {
    const x = Array.from({ length: 5000 }, (_, index) => index);
    const y = x.map((at) => (at === 2501 ? 50 : 0));
    const [path = ''] = outlineOf([{ x, y }], size)?.paths ?? [];
    expect(path).toContain(' 4.0');
    expect(path.match(/[ML]/g)?.length).toBeLessThan(500);
  });
});
