/**
 * Colours of classes and series on light and dark, in an order in which neighbours differ most also for those who
 * see colours differently (after Okabe & Ito 2008). What they mean is always said by a word beside.
 */
const LIGHT = ['#0b62a4', '#c2510a', '#00795c', '#a1458a', '#8a6a00', '#35789c', '#5a5a5a', '#b3261e'];
const DARK = ['#8cc2f5', '#f5a36b', '#5fd0a8', '#e29bcf', '#e3c65b', '#9fd8e8', '#b8c0c8', '#ffb4ab'];

/** Turned by so much again and again, hues stay far from all before them. */
const GOLDEN_ANGLE = 137.508;

/** The colour of the class or series of this number; those beyond the chosen ones are made, each of a hue of its own. */
export function seriesColour(index: number, isDark: boolean): string {
  const chosen = isDark ? DARK : LIGHT;
  const turn = index - chosen.length;
  const lightness = (isDark ? 0.86 : 0.42) + (turn % 2 === 0 ? 0 : isDark ? -0.11 : 0.12);
  return chosen[index] ?? hexOfOklch(lightness, 0.11, (20 + GOLDEN_ANGLE * turn) % 360);
}

/** Colours of one lightness that look equally light; Ottosson 2020, https://bottosson.github.io/posts/oklab/ */
function hexOfOklch(lightness: number, chroma: number, hueDegrees: number): string {
  const hue = (hueDegrees * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const bytes = linear.map((value) => {
    const inGamut = Math.min(1, Math.max(0, value));
    const encoded = inGamut <= 0.0031308 ? 12.92 * inGamut : 1.055 * inGamut ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${bytes.join('')}`;
}

/** Lines are told apart by their dashes too. */
export function seriesDash(index: number): number[] {
  return [[], [7, 4], [2, 3], [10, 3, 2, 3]][index % 4] ?? [];
}
