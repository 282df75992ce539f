import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { BracketCache, KEPT_BRACKETS } from './brackets.ts';
import { type ContinuumPlan, planContinuum } from './continuum.ts';
import { DESPIKE_REACH } from './despike.ts';
import { floatAt } from './elements.ts';
import { type BinMemory, binEdges } from './flux-conserving.ts';
import { wavelengthGrid } from './grid.ts';
import { Kernel } from './kernel.ts';
import type { Resampled } from './linear.ts';
import { emptyPixelMemory, emptyPixels, type PixelMemory, type Pixels } from './pixels.ts';
import { type Kernel as SmoothingKernel, KERNEL_SIGMAS, kernelBetween } from './smoothing.ts';

/**
 * A configuration made ready: its grid and its defaults, computed once for all spectra, and the memory that they are
 * worked on in. So a plan belongs to one thread, and to one spectrum at a time.
 */
export interface PreprocessingPlan {
  config: PreprocessingConfig;
  /** [Å, vacuum], rising. */
  grid: Float64Array;
  /** Edges of the grid's bins [Å], one more than points; only where flux is conserved. */
  binEdges: Float64Array | undefined;
  brackets: BracketCache;
  /** The loops over spectra whose wavelengths are shared. */
  loops: Kernel;
  kernel: SmoothingKernel | undefined;
  continuum: ContinuumPlan | undefined;
  minCoverage: number;
  /** Grid, its bins and the required ranges lie between these [Å]. */
  neededFromAngstrom: number;
  neededToAngstrom: number;
  memory: Memory;
}

interface Memory extends BinMemory {
  pixels: Pixels;
  arms: PixelMemory;
  despiked: Float64Array;
  smoothed: Float64Array;
  sorted: Float64Array;
  values: Float64Array;
  resampled: Resampled;
}

/** A narrow window is judged more strictly: in 200 Å half the points missing may be all of the line. */
const NARROW_GRID_ANGSTROM = 500;

/** The wavelength grid [Å, vacuum] of a configuration, rising. */
export function gridOf(config: PreprocessingConfig): Float64Array {
  const { wave_start_point: start, wave_end_point: end } = config;
  return wavelengthGrid(start, end, config.wave_point_count, config.grid);
}

export function planPreprocessing(config: PreprocessingConfig): PreprocessingPlan {
  const { wave_start_point: start, wave_end_point: end } = config;
  const grid = gridOf(config);
  const loops = new Kernel(grid.length, KEPT_BRACKETS);
  const edges = config.interpolation === 'flux_conserving' ? binEdges(grid) : undefined;
  return {
    config,
    grid,
    binEdges: edges,
    brackets: new BracketCache(grid, loops.brackets),
    loops,
    kernel: kernelOf(config),
    continuum: config.scaling === 'continuum' ? planContinuum(grid) : undefined,
    minCoverage: config.min_coverage ?? (end - start < NARROW_GRID_ANGSTROM ? 0.9 : 0.5),
    neededFromAngstrom: Math.min(
      edges ? floatAt(edges, 0) : start,
      ...config.required_ranges.map(([from]) => from),
    ),
    neededToAngstrom: Math.max(
      edges ? floatAt(edges, grid.length) : end,
      ...config.required_ranges.map(([, to]) => to),
    ),
    memory: {
      pixels: emptyPixels(),
      arms: emptyPixelMemory(),
      flux: new Float64Array(),
      edges: new Float64Array(),
      despiked: new Float64Array(),
      smoothed: new Float64Array(),
      sorted: new Float64Array(),
      values: new Float64Array(grid.length),
      resampled: { covered: 0, extrapolated: false, unbridgedGap: false },
    },
  };
}

function kernelOf(config: PreprocessingConfig): SmoothingKernel | undefined {
  const { resolution_from: from, resolution_to: to, smoothing_sigma: sigma } = config;
  if (sigma !== undefined) return { constantAngstrom: sigma, perAngstrom: 0 };
  return from !== undefined && to !== undefined ? kernelBetween(from, to) : undefined;
}

/** The redshift by which a spectrum can be shifted to its rest frame, if the file gives one. */
export function usableRedshift({ z }: SpectrumMetadata): number | undefined {
  return z !== undefined && Number.isFinite(z) && z > -1 ? z : undefined;
}

/**
 * The vacuum wavelengths [Å], as observed, that `preprocessSpectrum` looks at in a spectrum of this metadata, with what
 * bins, smoothing and despiking need beyond the grid. Beyond either end it also looks at the next two good pixels.
 */
export function neededRange(
  plan: PreprocessingPlan,
  metadata: SpectrumMetadata,
): readonly [fromAngstrom: number, toAngstrom: number] {
  const stretch = plan.config.rest_frame ? 1 + (usableRedshift(metadata) ?? 0) : 1;
  const from = plan.neededFromAngstrom - marginAngstrom(plan, plan.neededFromAngstrom, stretch);
  const to = plan.neededToAngstrom + marginAngstrom(plan, plan.neededToAngstrom, stretch);
  return [from * stretch, to * stretch];
}

/**
 * How far beyond the end [Å] of what a grid needs pixels have a say in it, in the grid's frame. Twice the kernel: a good
 * pixel beyond the end is interpolated from, and smoothed too.
 */
export function marginAngstrom(plan: PreprocessingPlan, endAngstrom: number, stretch: number): number {
  const { kernel, config } = plan;
  const despiking = config.despike ? DESPIKE_REACH * endAngstrom : 0;
  if (!kernel) return despiking;
  const sigma = kernel.constantAngstrom / stretch + kernel.perAngstrom * endAngstrom;
  return despiking + 2 * KERNEL_SIGMAS * sigma;
}
