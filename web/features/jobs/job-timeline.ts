import type { JobStep } from '../../../contracts/job-steps.ts';

export interface TimelineBar {
  step: JobStep;
  /** Milliseconds since the epoch. */
  scheduled: number;
  started: number | undefined;
  end: number;
}
/** All steps of one name: a row of the timeline. */
export interface TimelineRow {
  name: string;
  kind: JobStep['kind'];
  bars: TimelineBar[];
}

/** Steps by name, in the order in which the names first came; what has not ended reaches to `now` [ms]. */
export function timelineRows(steps: readonly JobStep[], now: number): TimelineRow[] {
  const rows = new Map<string, TimelineRow>();
  for (const step of steps) {
    const key = `${step.kind} ${step.name}`;
    const row = rows.get(key) ?? { name: step.name, kind: step.kind, bars: [] };
    rows.set(key, row);
    const scheduled = Date.parse(step.scheduled_at);
    const started = step.started_at === undefined ? undefined : Date.parse(step.started_at);
    // The server's clock may be ahead of the browser's.
    const end = step.ended_at === undefined ? Math.max(now, started ?? scheduled) : Date.parse(step.ended_at);
    row.bars.push({ step, scheduled, started, end });
  }
  return [...rows.values()];
}

/** Round times [s] for the axis of so many seconds, at most about six. */
export function timeTicks(seconds: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
  const step = steps.find((one) => seconds / one <= 6) ?? 2_592_000;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
}
