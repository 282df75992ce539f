/** Round numbers from `min` to `max`, some `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(min: number, max: number, count: number): { at: number; text: string }[] {
  const rough = (max - min) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough) ?? rough;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: { at: number; text: string }[] = [];
  for (let index = Math.ceil(min / step - 1e-9); index * step <= max + step * 1e-9; index += 1) {
    const at = index * step;
    const isPlain = Math.abs(at) < 1e6 && decimals <= 6;
    const text = index === 0 ? '0' : isPlain ? at.toFixed(decimals) : at.toExponential(2);
    ticks.push({ at, text: text.replaceAll('-', '−') });
  }
  return ticks;
}
