import { type Curve, extentOf, rangeOfY } from '../../components/curve.ts';

/** A curve as an SVG path that fills `width` × `height`; cosmic rays are cut off. '' where there is nothing to draw. */
export function thumbnailPath(curve: Curve, width: number, height: number): string {
  const x = extentOf([curve]);
  const y = x && rangeOfY(curve, x, true);
  if (!x || !y) return '';
  let path = '';
  let isDown = false;
  for (const [index, at] of curve.x.entries()) {
    const value = curve.y[index];
    if (typeof value !== 'number') {
      isDown = false;
      continue;
    }
    const left = ((at - x.min) / (x.max - x.min)) * width;
    const top = Math.min(height, Math.max(0, ((y.max - value) / (y.max - y.min)) * height));
    path += `${isDown ? 'L' : 'M'}${left.toFixed(1)} ${top.toFixed(1)}`;
    isDown = true;
  }
  return path;
}
