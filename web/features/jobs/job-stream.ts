import { z } from 'zod';
import {
  type JobEventKind,
  JobPhase,
  LogLevel,
  type LogLine,
  Metric,
  Progress,
} from '../../../contracts/job.ts';

/** What the page has heard from a job's event stream. */
export interface JobStream {
  /** Highest event id seen; 0 before the first. */
  lastId: number;
  phase: JobPhase | undefined;
  /** Id of the last `phase` event: it rises at a pause too, where the phase itself stays. */
  phaseEventId: number;
  /** Id of the last event that told of labels. */
  labelsEventId: number;
  progress: Progress | undefined;
  log: readonly LogLine[];
  /** Numbers of epochs and iterations, in the order they came. */
  metrics: readonly StreamedMetric[];
  /** Recent progress, for the rate. */
  samples: readonly ProgressSample[];
}
export type StreamedMetric = Omit<z.infer<typeof Metric>, 'at'>;
export interface ProgressSample {
  /** Milliseconds since the epoch. */
  at: number;
  done: number;
}
export interface JobEvent {
  id: number;
  kind: JobEventKind;
  data: unknown;
}

export const EMPTY_STREAM: JobStream = {
  lastId: 0,
  phase: undefined,
  phaseEventId: 0,
  labelsEventId: 0,
  progress: undefined,
  log: [],
  metrics: [],
  samples: [],
};

/** Lines kept on the page; the whole log is in log.txt. */
export const MAX_LOG_LINES = 5000;
const SAMPLE_WINDOW_MS = 20_000;

const PhaseData = z.object({ phase: JobPhase });
const ProgressData = Progress.extend({ at: z.iso.datetime().optional() });
const MetricData = Metric.omit({ id: true, at: true });
const LogData = z.object({ at: z.string().optional(), level: LogLevel.default('info'), message: z.string() });

/** Old and new lines by id, each once, the newest `MAX_LOG_LINES`. */
export function mergeLog(lines: readonly LogLine[], more: readonly LogLine[]): readonly LogLine[] {
  if (more.length === 0) return lines;
  // The usual case, and the only one while thousands of lines are replayed.
  if ((lines.at(-1)?.id ?? -1) < (more[0]?.id ?? 0) && more.length === 1)
    return [...lines, ...more].slice(-MAX_LOG_LINES);
  const byId = new Map(lines.map((line) => [line.id, line]));
  for (const line of more) byId.set(line.id, line);
  return [...byId.values()].sort((a, b) => a.id - b.id).slice(-MAX_LOG_LINES);
}

/** Adds a sample and forgets those older than the window; a step back (a new run) starts over. */
export function addSample(
  samples: readonly ProgressSample[],
  sample: ProgressSample,
): readonly ProgressSample[] {
  const last = samples.at(-1);
  if (last && sample.done < last.done) return [sample];
  if (last && sample.at <= last.at) return samples;
  return [...samples.filter((one) => sample.at - one.at <= SAMPLE_WINDOW_MS), sample];
}

/**
 * The stream after one more event. An event seen before (the stream repeats some after a reconnect) changes nothing;
 * one whose data does not fit is left out: the job itself is read again at every phase, so nothing is lost by it.
 */
export function applyJobEvent(stream: JobStream, event: JobEvent, now: number): JobStream {
  if (event.id <= stream.lastId) return stream;
  const next = { ...stream, lastId: event.id };
  if (event.kind === 'phase') {
    const parsed = PhaseData.safeParse(event.data);
    return parsed.success ? { ...next, phase: parsed.data.phase, phaseEventId: event.id } : next;
  }
  if (event.kind === 'progress') {
    const parsed = ProgressData.safeParse(event.data);
    if (!parsed.success) return next;
    // The server's own time: what the stream replays after opening is older than its arrival.
    const at = parsed.data.at === undefined ? now : Date.parse(parsed.data.at);
    const samples = addSample(stream.samples, { at, done: parsed.data.done });
    const { done, total, unit, rejected } = parsed.data;
    return { ...next, progress: { done, total, unit, rejected }, samples };
  }
  if (event.kind === 'log') {
    const parsed = LogData.safeParse(event.data);
    if (!parsed.success) return next;
    const line = {
      id: event.id,
      at: parsed.data.at ?? new Date(now).toISOString(),
      level: parsed.data.level,
      message: parsed.data.message,
    };
    return { ...next, log: mergeLog(stream.log, [line]) };
  }
  if (event.kind === 'labels') return { ...next, labelsEventId: event.id };
  if (event.kind === 'metric') {
    const parsed = MetricData.safeParse(event.data);
    return parsed.success
      ? { ...next, metrics: [...stream.metrics, { id: event.id, ...parsed.data }] }
      : next;
  }
  return next;
}

/**
 * Items per second: from the samples of the last seconds, else from the start of the run; undefined where neither
 * says anything.
 */
export function ratePerSecond(
  samples: readonly ProgressSample[],
  run: { startedAt: string | undefined; done: number; now: number },
): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first && last && last.at - first.at >= 2000 && last.done > first.done)
    return (1000 * (last.done - first.done)) / (last.at - first.at);
  if (run.startedAt === undefined || run.done === 0) return undefined;
  const seconds = (run.now - Date.parse(run.startedAt)) / 1000;
  return seconds >= 1 ? run.done / seconds : undefined;
}

/** Seconds to go, or undefined where the rate is unknown or nothing is left. */
export function secondsLeft(progress: Progress, rate: number | undefined): number | undefined {
  const left = progress.total - progress.done;
  return rate === undefined || rate <= 0 || left <= 0 ? undefined : left / rate;
}
