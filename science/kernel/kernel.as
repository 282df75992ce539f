// The hot loops of preprocessing, in AssemblyScript: where JavaScript checks every index, these do not, and two float64
// go through at once. `npm run build:kernel` compiles this to kernel-wasm.ts. Every pointer is an offset in the memory that
// kernel.ts lays out; each function gives the same float64 as the JavaScript beside it.

/** Results of more than one number: two float64 at the begin of the memory. */
const RESULTS: usize = 0;
const BINS: i32 = 1024;
/** More values than this around the middle are left to the caller, who sorts them. */
const MOST_KEPT: i32 = 256;

/**
 * Squared S/N, |flux|·flux·ivar, of the good ones among `n` pixels, to `squares`. Their number is returned, the longest
 * run of bad pixels is RESULTS[0].
 */
export function quality(flux: usize, ivar: usize, bad: usize, n: i32, squares: usize): i32 {
  let run: i32 = 0;
  let longest: i32 = 0;
  let count: i32 = 0;
  for (let i: i32 = 0; i < n; i++) {
    const isBad: i32 = <i32>load<u8>(bad + i);
    run = (run + 1) & -isBad;
    longest = max(longest, run);
    const value = load<f64>(flux + (<usize>i << 3));
    store<f64>(squares + (<usize>count << 3), abs(value) * value * load<f64>(ivar + (<usize>i << 3)));
    count += isBad ^ 1;
  }
  store<f64>(RESULTS, <f64>longest);
  return count;
}

/**
 * The two middle ones of `n` values to RESULTS, as middleInPlace of median.ts finds them; 0 is returned where it gave up.
 * @param low value of the first bin's begin
 * @param counts memory for 2 × BINS int32
 * @param bins memory for n uint16
 */
export function middle(values: usize, n: i32, low: f64, binsPerUnit: f64, counts: usize, bins: usize): i32 {
  memory.fill(counts, 0, 8 * BINS);
  const oddCounts = counts + 4 * BINS;
  const most = <f64>(BINS - 1);
  const even = n & ~1;
  let finite: f64 = 0; // NaN once a value is infinite or NaN
  for (let i: i32 = 0; i < even; i += 2) {
    const pair = v128.load(values + (<usize>i << 3));
    const zero = f64x2.sub(pair, pair);
    finite += f64x2.extract_lane(zero, 0) + f64x2.extract_lane(zero, 1);
    const scaled = f64x2.mul(f64x2.sub(pair, f64x2.splat(low)), f64x2.splat(binsPerUnit));
    const clamped = f64x2.pmin(f64x2.splat(most), f64x2.pmax(f64x2.splat(0), scaled));
    const bin = i32x4.trunc_sat_f64x2_s_zero(clamped);
    const first = i32x4.extract_lane(bin, 0);
    const second = i32x4.extract_lane(bin, 1);
    store<u16>(bins + (<usize>i << 1), <u16>first);
    store<u16>(bins + (<usize>i << 1), <u16>second, 2);
    count(counts, first);
    count(oddCounts, second);
  }
  if (n & 1) {
    const value = load<f64>(values + (<usize>even << 3));
    finite += value - value;
    const bin = <i32>min<f64>(most, max<f64>(0, (value - low) * binsPerUnit));
    store<u16>(bins + (<usize>even << 1), <u16>bin);
    count(counts, bin);
  }
  if (finite != 0) return 0;
  const upper = n >> 1;
  const lower = n & 1 ? upper : upper - 1;
  let first: i32 = 0;
  let below: i32 = 0;
  let here = countOf(counts, 0);
  while (below + here <= lower) {
    below += here;
    here = countOf(counts, ++first);
  }
  let last = first;
  let upTo = below + here;
  while (upTo <= upper) upTo += countOf(counts, ++last);
  if (upTo - below > MOST_KEPT) return 0;
  const span = <u32>(last - first);
  let kept: i32 = 0;
  for (let i: i32 = 0; i < n; i++) {
    store<f64>(values + (<usize>kept << 3), load<f64>(values + (<usize>i << 3)));
    kept += <i32>(<u32>(<i32>load<u16>(bins + (<usize>i << 1)) - first) <= span);
  }
  for (let i: i32 = 1; i < kept; i++) {
    const value = load<f64>(values + (<usize>i << 3));
    let j = i - 1;
    while (j >= 0 && load<f64>(values + (<usize>j << 3)) > value) {
      store<f64>(values + (<usize>(j + 1) << 3), load<f64>(values + (<usize>j << 3)));
      j--;
    }
    store<f64>(values + (<usize>(j + 1) << 3), value);
  }
  store<f64>(RESULTS, load<f64>(values + (<usize>(lower - below) << 3)));
  store<f64>(RESULTS + 8, load<f64>(values + (<usize>(upper - below) << 3)));
  return 1;
}

function count(counts: usize, bin: i32): void {
  const at = counts + (<usize>bin << 2);
  store<i32>(at, load<i32>(at) + 1);
}

function countOf(counts: usize, bin: i32): i32 {
  const at = counts + (<usize>bin << 2);
  return load<i32>(at) + load<i32>(at, 4 * BINS);
}

/** Grid points `from` up to `to`, each `fraction` of the way from its pixel, `left` less `offset`, to the next one. */
export function interpolate(
  left: usize,
  fraction: usize,
  flux: usize,
  offset: i32,
  from: i32,
  to: i32,
  values: usize,
): void {
  for (let i: i32 = from; i < to; i++) {
    const pixel = flux + (<usize>(load<i32>(left + (<usize>i << 2)) - offset) << 3);
    const below = load<f64>(pixel);
    const part = load<f64>(fraction + (<usize>i << 3));
    store<f64>(values + (<usize>i << 3), below + (load<f64>(pixel, 8) - below) * part);
  }
}

/** Least and greatest of `n` values to RESULTS, NaN passed over; Infinity and -Infinity of none. */
export function extent(values: usize, n: i32): void {
  let lows = f64x2.splat(Infinity);
  let highs = f64x2.splat(-Infinity);
  const even = n & ~1;
  for (let i: i32 = 0; i < even; i += 2) {
    const pair = v128.load(values + (<usize>i << 3));
    lows = f64x2.pmin(lows, pair);
    highs = f64x2.pmax(highs, pair);
  }
  let low = min(f64x2.extract_lane(lows, 0), f64x2.extract_lane(lows, 1));
  let high = max(f64x2.extract_lane(highs, 0), f64x2.extract_lane(highs, 1));
  if (n & 1) {
    const value = load<f64>(values + (<usize>even << 3));
    if (value < low) low = value;
    if (value > high) high = value;
  }
  store<f64>(RESULTS, low);
  store<f64>(RESULTS + 8, high);
}

/** (value − centre)·gain + shift of `n` values, as float32 to `row`. */
export function scale(values: usize, n: i32, centre: f64, gain: f64, shift: f64, row: usize): void {
  const even = n & ~1;
  for (let i: i32 = 0; i < even; i += 2) {
    const pair = f64x2.sub(v128.load(values + (<usize>i << 3)), f64x2.splat(centre));
    const scaled = f64x2.add(f64x2.mul(pair, f64x2.splat(gain)), f64x2.splat(shift));
    v128.store64_lane(row + (<usize>i << 2), f32x4.demote_f64x2_zero(scaled), 0);
  }
  if (n & 1) {
    const value = load<f64>(values + (<usize>even << 3));
    store<f32>(row + (<usize>even << 2), <f32>((value - centre) * gain + shift));
  }
}

/** Decodes `n` big-endian float32 into float64. */
export function decodeFloats(raw: usize, n: i32, values: usize): void {
  const inFours = n & ~3;
  for (let i: i32 = 0; i < inFours; i += 4) {
    const four = swap32(v128.load(raw + (<usize>i << 2)));
    const at = values + (<usize>i << 3);
    v128.store(at, f64x2.promote_low_f32x4(four));
    v128.store(at, f64x2.promote_low_f32x4(v128.shuffle<u64>(four, four, 1, 0)), 16);
  }
  for (let i: i32 = inFours; i < n; i++) {
    const bits = bswap<u32>(load<u32>(raw + (<usize>i << 2)));
    store<f64>(values + (<usize>i << 3), <f64>reinterpret<f32>(bits));
  }
}

function swap32(four: v128): v128 {
  return v128.shuffle<u8>(four, four, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Decodes `n` big-endian float64. */
export function decodeDoubles(raw: usize, n: i32, values: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const bits = bswap<u64>(load<u64>(raw + (<usize>i << 3)));
    store<u64>(values + (<usize>i << 3), bits);
  }
}

/** 1 to `bad` for each of `n` pixels whose flux is not finite, or whose ivar is 0 or not finite, and 0 for the others. */
export function markBad(flux: usize, ivar: usize, n: i32, bad: usize): void {
  const zero = f64x2.splat(0);
  const even = n & ~1;
  for (let i: i32 = 0; i < even; i += 2) {
    const value = v128.load(flux + (<usize>i << 3));
    const weight = v128.load(ivar + (<usize>i << 3));
    // A number less itself is 0 unless it is infinite or NaN.
    const isFinite = v128.and(f64x2.eq(f64x2.sub(value, value), zero), f64x2.eq(f64x2.sub(weight, weight), zero));
    const isBad = i64x2.bitmask(v128.not(v128.andnot(isFinite, f64x2.eq(weight, zero))));
    store<u16>(bad + <usize>i, <u16>((isBad & 1) | ((isBad & 2) << 7)));
  }
  if (n & 1) {
    const value = load<f64>(flux + (<usize>even << 3));
    const weight = load<f64>(ivar + (<usize>even << 3));
    store<u8>(bad + <usize>even, <u8>(value - value != 0 || weight - weight != 0 || weight == 0));
  }
}

/** First and last of each run of bad pixels among those `from` up to `to`, as int32, to `runs`; returns how many runs. */
export function badRuns(bad: usize, from: i32, to: i32, runs: usize): i32 {
  let count: i32 = 0;
  let i = from;
  while (i < to) {
    if (i + 16 <= to && !v128.any_true(v128.load(bad + <usize>i))) {
      i += 16;
      continue;
    }
    if (!load<u8>(bad + <usize>i)) {
      i++;
      continue;
    }
    const first = i;
    while (i + 1 < to && load<u8>(bad + <usize>(i + 1))) i++;
    store<i32>(runs + (<usize>count << 3), first);
    store<i32>(runs + (<usize>count << 3), i, 4);
    count++;
    i++;
  }
  return count;
}
