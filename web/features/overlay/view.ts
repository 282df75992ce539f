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
