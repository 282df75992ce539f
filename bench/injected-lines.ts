import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PreprocessingConfig } from '../contracts/preprocessing.ts';
import type { Random } from '../science/cnn/random.ts';
import { planPreprocessing, preprocessSpectrum } from '../science/preprocess/preprocess-spectrum.ts';
import { readSpectrum } from '../science/spectra/read-spectrum.ts';
import type { Arm, RawSpectrum } from '../science/spectra/spectrum.ts';

// Real stars with an Hα emission line that they do not have: labels are known, and the classes as rare as one likes.
// After reference/inject_lines.py of the project's design: same hosts, profiles and noise, other random numbers.

export const CLASSES = ['other', 'single peak', 'double peak'] as const;
/** Of the classes that are injected, the share with one peak. */
const SINGLE_PEAK_SHARE = 0.7;

const SPEED_OF_LIGHT_KMS = 299_792.458;
const HALPHA_ANGSTROM = 6564.614;
/** LAMOST's low resolution at Hα. */
const RESOLUTION = 1800;
/** The window around Hα that campaigns on emission-line stars use. */
const GRID = { fromAngstrom: 6519, toAngstrom: 6732, points: 140 };
/** What is kept of a host: the grid, and pixels beyond its ends to interpolate from. */
const KEPT = [GRID.fromAngstrom - 20, GRID.toAngstrom + 20] as const;
/** Where the continuum beside the line is measured [Å from its centre]. */
const [ASIDE_FROM, ASIDE_TO] = [25, 60];
const MAX_TRIES = 100;

/** A real star without an emission line. */
export interface Host {
  readonly file: string;
  readonly spectrum: RawSpectrum;
  readonly arm: Arm;
  /** Standard deviation of the noise, 1/√IVAR; 0 where IVAR is 0. */
  readonly noise: Float64Array;
  readonly redshift: number;
}

export interface InjectedSpectra {
  /** Rows × points, preprocessed as a job would (140 points, 6519–6732 Å, linear, minmax). */
  readonly spectra: Float32Array;
  readonly points: number;
  /** Number of {@link CLASSES}. */
  readonly labels: Int32Array;
  /** Number of the host of each row. A row of a host is not independent of another: split by host. */
  readonly hosts: Int32Array;
}

/**
 * The spectra below a directory that lines can be injected into: LAMOST images of stars, slow (|z| < 0.002), with few
 * bad pixels around Hα and a continuum there above five times its noise. In the order of their paths.
 */
export function readHosts(directory: string): Host[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.fits?(\.gz)?$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => hostOf(file) ?? []);
}

function hostOf(file: string): Host | undefined {
  const spectrum = readSpectrum(readFileSync(file), { neededRange: () => KEPT });
  const [arm] = spectrum.arms;
  const { type, z: redshift } = spectrum.metadata;
  const isImage = spectrum.layout === 'lamost-dr1' || spectrum.layout === 'lamost-dr2';
  if (!isImage || arm?.ivar === undefined || type !== 'STAR') return undefined;
  if (redshift === undefined || Math.abs(redshift) >= 0.002) return undefined;
  const { wavelengthAngstrom: wave, ivar } = arm;
  const near = indicesWhere(wave, (at) => at > GRID.fromAngstrom && at < GRID.toAngstrom);
  const good = near.filter((i) => (ivar[i] ?? NaN) > 0);
  if (good.length < 0.95 * near.length || near.length === 0) return undefined;
  const noise = Float64Array.from(ivar, (one) => (one > 0 ? 1 / Math.sqrt(one) : 0));
  const level = median(aside(wave, HALPHA_ANGSTROM).map((i) => arm.flux[i] ?? NaN));
  if (!(level > 5 * median(good.map((i) => noise[i] ?? NaN)))) return undefined;
  return { file, spectrum, arm, noise, redshift };
}

/**
 * Makes labelled spectra: of hosts drawn at random, with fresh noise from their own IVAR (they then have √2 times as much
 * as they had), some with a line of a Be star's width, separation and equivalent width at LAMOST's resolution.
 * @param rareFraction share of spectra with a line: seven of ten of them with one peak, three with two
 */
export function injectLines(
  hosts: readonly Host[],
  { count, rareFraction, random }: { count: number; rareFraction: number; random: Random },
): InjectedSpectra {
  const plan = planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: GRID.fromAngstrom,
      wave_end_point: GRID.toAngstrom,
      wave_point_count: GRID.points,
    }),
  );
  const normal = normals(random);
  const spectra = new Float32Array(count * GRID.points);
  const labels = new Int32Array(count);
  const hostNumbers = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const number = random.below(hosts.length);
    const host = hosts[number];
    if (host === undefined) throw new Error('There are no spectra to inject lines into');
    const drawn = random.uniform();
    const label = drawn >= rareFraction ? 0 : drawn < SINGLE_PEAK_SHARE * rareFraction ? 1 : 2;
    const { arm, noise } = host;
    const flux = Float64Array.from(arm.flux, (value, i) => value + normal() * (noise[i] ?? NaN));
    if (label > 0) addLine(flux, host, label === 2, random, normal);
    const ivar = arm.ivar?.map((one) => one / 2);
    const result = preprocessSpectrum(
      { ...host.spectrum, arms: [{ ...arm, flux, ivar, hasSharedWavelengths: false }] },
      plan,
      spectra.subarray(row * GRID.points, (row + 1) * GRID.points),
    );
    if ('rejected' in result) throw new Error(`${host.file}: ${result.rejected}`);
    labels[row] = label;
    hostNumbers[row] = number;
  }
  return { spectra, points: GRID.points, labels, hosts: hostNumbers };
}

/**
 * Adds a line that can be seen: drawn again until its peak is above five times the noise and, of two peaks, the dip
 * between them above three times, 100 times at most.
 */
function addLine(
  flux: Float64Array,
  { arm, noise, redshift }: Host,
  isDouble: boolean,
  random: Random,
  normal: () => number,
): void {
  const wave = arm.wavelengthAngstrom;
  const centre = HALPHA_ANGSTROM * (1 + redshift) * (1 + (normal() * 15) / SPEED_OF_LIGHT_KMS);
  const beside = aside(wave, centre);
  const level = median(beside.map((i) => flux[i] ?? NaN));
  const sky = Math.SQRT2 * median(beside.map((i) => noise[i] ?? NaN));
  let line = new Float64Array(wave.length);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const equivalentWidth = Math.exp(between(random, Math.log(1.5), Math.log(40)));
    const { shape, halfSeparation } = profile(wave, centre, isDouble, random, normal);
    const scale = (equivalentWidth * level) / integral(shape, wave);
    line = shape.map((value) => value * scale);
    const peak = line.reduce((highest, value) => Math.max(highest, value), -Infinity);
    if (peak < 5 * sky) continue;
    if (!isDouble || dip(line, wave, centre, halfSeparation) >= Math.max(0.1 * peak, 3 * sky)) break;
  }
  line.forEach((value, i) => (flux[i] = (flux[i] ?? NaN) + value));
}

function profile(
  wave: Float64Array,
  centre: number,
  isDouble: boolean,
  random: Random,
  normal: () => number,
): { shape: Float64Array; halfSeparation: number } {
  const instrument = deviationAngstrom(SPEED_OF_LIGHT_KMS / RESOLUTION);
  const gaussian = (at: number, middle: number, width: number): number =>
    Math.exp(-0.5 * ((at - middle) / width) ** 2);
  if (!isDouble) {
    const fwhmKms = Math.min(500, Math.exp(Math.log(220) + 0.35 * normal()));
    const width = Math.hypot(instrument, deviationAngstrom(fwhmKms));
    return { shape: wave.map((at) => gaussian(at, centre, width)), halfSeparation: 0 };
  }
  const separationKms = between(random, 200, 450);
  const width = Math.hypot(instrument, deviationAngstrom(separationKms * between(random, 0.35, 0.6)));
  const halfSeparation = (separationKms / 2 / SPEED_OF_LIGHT_KMS) * centre;
  const ratio = Math.exp(between(random, -Math.log(1.4), Math.log(1.4)));
  const shape = wave.map(
    (at) =>
      gaussian(at, centre - halfSeparation, width) + ratio * gaussian(at, centre + halfSeparation, width),
  );
  return { shape, halfSeparation };
}

/** Standard deviation [Å] at Hα of a Gaussian whose full width at half maximum is given [km/s]. */
function deviationAngstrom(fwhmKms: number): number {
  return (fwhmKms / 2.35482 / SPEED_OF_LIGHT_KMS) * HALPHA_ANGSTROM;
}

/** How far the middle lies below the lower peak. */
function dip(line: Float64Array, wave: Float64Array, centre: number, halfSeparation: number): number {
  const at = (angstrom: number): number => line[nearest(wave, angstrom)] ?? NaN;
  return Math.min(at(centre - halfSeparation), at(centre + halfSeparation)) - at(centre);
}

function nearest(wave: Float64Array, angstrom: number): number {
  return wave.reduce(
    (best, value, i) => (Math.abs(value - angstrom) < Math.abs((wave[best] ?? NaN) - angstrom) ? i : best),
    0,
  );
}

/** By the trapezoidal rule. */
function integral(values: Float64Array, at: Float64Array): number {
  return values.reduce(
    (sum, value, i) =>
      i === 0 ? 0 : sum + (((values[i - 1] ?? NaN) + value) / 2) * ((at[i] ?? NaN) - (at[i - 1] ?? NaN)),
    0,
  );
}

function aside(wave: Float64Array, centre: number): number[] {
  return indicesWhere(wave, (at) => Math.abs(at - centre) > ASIDE_FROM && Math.abs(at - centre) < ASIDE_TO);
}

function indicesWhere(values: Float64Array, holds: (value: number) => boolean): number[] {
  return [...values.keys()].filter((i) => holds(values[i] ?? NaN));
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}

/** Numbers of a normal distribution (mean 0, deviation 1), by Box and Muller's transform. */
function normals(random: Random): () => number {
  let second: number | undefined;
  return () => {
    if (second !== undefined) {
      const kept = second;
      second = undefined;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    second = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
