/** What a picture shows: wavelengths [Å] from left to right, flux from the bottom to the top. */
export interface View {
  xMin: number;
  xMax: number;
  yMin: number;
  yMax: number;
}

/** Never closer than this share of everything. */
const CLOSEST = 1 / 10_000;

function clampedAxis(min: number, max: number, low: number, high: number): [number, number] {
  const whole = high - low;
  const span = Math.min(whole, Math.max(max - min, whole * CLOSEST));
  const from = Math.min(Math.max(min + (max - min - span) / 2, low), high - span);
  return [from, from + span];
}

/** `view` moved and narrowed so that it lies within `bounds`. */
export function clampView(view: View, bounds: View): View {
  const [xMin, xMax] = clampedAxis(view.xMin, view.xMax, bounds.xMin, bounds.xMax);
  const [yMin, yMax] = clampedAxis(view.yMin, view.yMax, bounds.yMin, bounds.yMax);
  return { xMin, xMax, yMin, yMax };
}

/** Moves by shares of what is visible: `dx` 0.25 looks a quarter further to the right, `dy` upwards. */
export function panView(view: View, dx: number, dy: number, bounds: View): View {
  const x = dx * (view.xMax - view.xMin);
  const y = dy * (view.yMax - view.yMin);
  return clampView(
    { xMin: view.xMin + x, xMax: view.xMax + x, yMin: view.yMin + y, yMax: view.yMax + y },
    bounds,
  );
}

/**
 * Factors below 1 come closer; the point at `at` stays where it is on the screen (shares of the width from the left and
 * of the height from the bottom).
 */
export function zoomView(
  view: View,
  factor: { x: number; y: number },
  at: { x: number; y: number },
  bounds: View,
): View {
  const narrow = (min: number, max: number, times: number, share: number, whole: number) => {
    const span = Math.min(whole, Math.max((max - min) * times, whole * CLOSEST));
    const fixed = min + share * (max - min);
    return [fixed - share * span, fixed + (1 - share) * span] as const;
  };
  const [xMin, xMax] = narrow(view.xMin, view.xMax, factor.x, at.x, bounds.xMax - bounds.xMin);
  const [yMin, yMax] = narrow(view.yMin, view.yMax, factor.y, at.y, bounds.yMax - bounds.yMin);
  return clampView({ xMin, xMax, yMin, yMax }, bounds);
}

export function isSameView(one: View, other: View): boolean {
  return (
    one.xMin === other.xMin && one.xMax === other.xMax && one.yMin === other.yMin && one.yMax === other.yMax
  );
}

/** Where a picture of `drawn` lies on a canvas of `width` × `height` that shows `view` [pixels]. */
export function placeOf(drawn: View, view: View, width: number, height: number) {
  const perX = width / (view.xMax - view.xMin);
  const perY = height / (view.yMax - view.yMin);
  return {
    left: (drawn.xMin - view.xMin) * perX,
    top: (view.yMax - drawn.yMax) * perY,
    width: (drawn.xMax - drawn.xMin) * perX,
    height: (drawn.yMax - drawn.yMin) * perY,
  };
}

/** Round numbers between `min` and `max`, some `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(min: number, max: number, count: number): { at: number; text: string }[] {
  const rough = (max - min) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough) ?? rough;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(min / step - 1e-9);
  const ticks: { at: number; text: string }[] = [];
  for (let index = first; index * step <= max + step * 1e-9; index += 1) {
    const at = index * step;
    const isPlain = Math.abs(at) < 1e6 && decimals <= 6;
    const text = at === 0 ? '0' : isPlain ? at.toFixed(decimals) : at.toExponential(2);
    ticks.push({ at, text: text.replaceAll('-', '−') });
  }
  return ticks;
}
