/** Where the continued fraction is near enough: a few units of the last place. */
const PRECISION = 1e-15;
const MOST_TERMS = 100_000;

/**
 * The regularised incomplete beta function I_x(a, b): the probability that a beta-distributed number is at most x.
 * By the continued fraction of DLMF 8.17.22, evaluated by Lentz's method (Thompson & Barnett 1986).
 * @param x 0 … 1
 * @param a above 0
 * @param b above 0
 * @throws RangeError outside these
 */
export function betaProbability(x: number, a: number, b: number): number {
  if (!(x >= 0 && x <= 1 && a > 0 && b > 0)) throw new RangeError(`I_${x}(${a}, ${b}) is not defined`);
  if (x === 0 || x === 1) return x;
  // The fraction converges fast on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaProbability(1 - x, b, a);
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b);
  const factor = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta) / a;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < PRECISION) return factor * fraction;
  }
  throw new RangeError(`I_${x}(${a}, ${b}) does not converge`);
}

/** The number below which a beta-distributed one is with the given probability, by bisection. */
export function betaQuantile(probability: number, a: number, b: number): number {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${probability} is no probability`);
  let low = 0;
  let high = 1;
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2)
    if (betaProbability(middle, a, b) < probability) low = middle;
    else high = middle;
  return (low + high) / 2;
}

/** Coefficients of Lanczos's approximation for g = 7 (Godfrey 2001); good to 1e-15 of Γ. */
const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** Natural logarithm of Γ(x). @param x 0.5 or more */
function logGamma(x: number): number {
  const sum = LANCZOS.reduce((total, coefficient, i) => total + coefficient / (x + i), 0.9999999999998099);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
