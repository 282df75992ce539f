import type { Job } from '../../../contracts/job.ts';
import { EPOCH_METRICS, type EpochMetric } from '../../../contracts/training.ts';
import type { PlotSeries } from '../../components/SeriesPlot.vue';
import { iterationsOf } from '../campaign/campaign-numbers.ts';
import { epochsOf } from '../training/epochs.ts';

interface ToldMetric {
  id: number;
  name: string;
  step?: number | undefined;
  iteration?: number | undefined;
  value: number;
}
export interface ComparedJob {
  job: Pick<Job, 'job_id' | 'type' | 'label'>;
  metrics: readonly ToldMetric[];
}
/** Curves of one measure, of each job that has it. */
export interface ComparedCurves {
  measure: string;
  x: 'epoch' | 'labels';
  steps: number[];
  series: PlotSeries[];
}
/** Values of a curve, with the bounds of an interval where there is one. */
type Points = ReadonlyMap<number, Point>;
interface Point {
  value: number;
  low?: number;
  high?: number;
}

const EPOCH_MEASURES: readonly EpochMetric[] = EPOCH_METRICS.filter((name) => name !== 'spectra_per_second');
const ITERATION_MEASURES = ['meanEntropy', 'kappa', 'changed', 'candidates'] as const;

/** Lays the curves of jobs over each other: epochs of trainings, and what campaigns reached with how many labels. */
export function compareCurves(jobs: readonly ComparedJob[]): ComparedCurves[] {
  const curves = new Map<
    string,
    { x: ComparedCurves['x']; of: { job: number; label: string; points: Points }[] }
  >();
  const add = (measure: string, x: ComparedCurves['x'], job: number, label: string, points: Points) => {
    if (points.size === 0) return;
    const curve = curves.get(measure) ?? { x, of: [] };
    curves.set(measure, curve);
    curve.of.push({ job, label, points });
  };
  jobs.forEach(({ job, metrics }, index) => {
    if (job.type === 'TRAINING') {
      const epochs = epochsOf(metrics);
      for (const name of EPOCH_MEASURES)
        add(
          name,
          'epoch',
          index,
          job.label,
          pointsOf(
            epochs,
            ({ step }) => step,
            (epoch) => epoch[name],
          ),
        );
    }
    if (job.type === 'ACTIVE_ML') {
      const iterations = iterationsOf([metrics]);
      const classes = [...new Set(iterations.flatMap(({ precision }) => Object.keys(precision)))];
      for (const name of classes)
        add(
          `precision ${name}`,
          'labels',
          index,
          job.label,
          pointsOf(
            iterations,
            ({ labels }) => labels,
            ({ precision }) => precision[name],
          ),
        );
      for (const name of ITERATION_MEASURES)
        add(
          name,
          'labels',
          index,
          job.label,
          pointsOf(
            iterations,
            ({ labels }) => labels,
            (one) => one[name],
          ),
        );
    }
  });
  return [...curves].map(([measure, { x, of }]) => {
    const steps = [...new Set(of.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
    // Two jobs may have one label.
    const isTwice = (label: string) => of.filter((one) => one.label === label).length > 1;
    return {
      measure,
      x,
      steps,
      series: of.map(({ job, label, points }) => ({
        label: isTwice(label) ? `${label} (${job + 1})` : label,
        look: job,
        values: steps.map((step) => points.get(step)?.value ?? null),
        ...([...points.values()].some(({ low }) => low !== undefined)
          ? {
              low: steps.map((step) => points.get(step)?.low ?? null),
              high: steps.map((step) => points.get(step)?.high ?? null),
            }
          : {}),
      })),
    };
  });
}

function pointsOf<T>(
  list: readonly T[],
  x: (one: T) => number,
  y: (one: T) => number | Point | undefined,
): Points {
  return new Map(
    list.flatMap((one): [number, Point][] => {
      const point = y(one);
      if (point === undefined) return [];
      return [[x(one), typeof point === 'number' ? { value: point } : point]];
    }),
  );
}
