import { describe, expect, it } from 'vitest';
import { seriesColour } from './plot-colours.ts';

/** Relative luminance of a colour `#rrggbb` (WCAG 2). */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
const contrast = (a: string, b: string) => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};

describe.each([
  { theme: 'light', isDark: false, ground: '#ffffff' },
  { theme: 'dark', isDark: true, ground: '#161d26' },
])('colours of classes, $theme', ({ isDark, ground }) => {
  const colours = Array.from({ length: 40 }, (_, index) => seriesColour(index, isDark));

  it('gives each of forty classes a colour of its own', () => {
    expect(new Set(colours).size).toBe(40);
  });
  it('can be seen on the ground (3:1, WCAG 1.4.11)', () => {
    expect(colours.filter((colour) => contrast(colour, ground) < 3)).toEqual([]);
  });
});
