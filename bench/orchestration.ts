import type { Client, WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];
type Time = HistoryEvent['eventTime'];

/** Milliseconds since 1970. */
export type Interval = readonly [from: number, to: number];

/** What a workflow left in Temporal, over all runs of its chain. */
export interface WorkflowRecord {
  runs: number;
  events: number;
  /** Events of the longest run. */
  longestRunEvents: number;
  /** Data of all payloads: inputs, results, failures, headers, memo, search attributes. */
  payloadBytes: number;
  /** When an activity ran: from the start of its last attempt to its end, as the server saw them. */
  activities: Interval[];
}

/** Histories of all runs of a workflow that may have continued as new, the first run first. */
export async function fetchHistories(client: Client, workflowId: string): Promise<History[]> {
  const histories: History[] = [];
  let runId: string | undefined;
  do {
    const history: History = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.unshift(history);
    runId =
      history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  } while (runId !== undefined);
  return histories;
}

export function recordOf(histories: History[]): WorkflowRecord {
  const lengths = histories.map(({ events }) => events?.length ?? 0);
  return {
    runs: histories.length,
    events: lengths.reduce((a, b) => a + b, 0),
    longestRunEvents: Math.max(0, ...lengths),
    payloadBytes: payloadBytes(histories),
    activities: histories.flatMap(({ events }) => activityIntervals(events ?? [])),
  };
}

/**
 * The share of a job's wall time in which no activity ran: the API, Temporal, task queues, workflow code.
 * @returns 0–1
 */
export function orchestrationShare(wall: Interval, activities: readonly Interval[]): number {
  const [from, to] = wall;
  if (to <= from) throw new Error('the wall time must be longer than nothing');
  let covered = 0;
  let end = from;
  for (const [start, stop] of [...activities].sort(([a], [b]) => a - b)) {
    const begin = Math.max(start, end);
    const until = Math.min(stop, to);
    if (until <= begin) continue;
    covered += until - begin;
    end = until;
  }
  return 1 - covered / (to - from);
}

function activityIntervals(events: HistoryEvent[]): Interval[] {
  const started = new Map<string, number>();
  const intervals: Interval[] = [];
  for (const event of events) {
    const time = milliseconds(event.eventTime);
    if (event.activityTaskStartedEventAttributes) started.set(String(event.eventId), time);
    const end =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    const start = end ? started.get(String(end.startedEventId)) : undefined;
    if (start !== undefined) intervals.push([start, time]);
  }
  return intervals;
}

function milliseconds(time: Time): number {
  if (!time) throw new Error('an event of the history has no time');
  // Long's own text, also where it is a plain number
  return Number(String(time.seconds ?? 0)) * 1000 + (time.nanos ?? 0) / 1e6;
}

/** Wherever they stand in the messages: a payload is what has both metadata and data. */
function payloadBytes(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) return value.data.length;
  return Object.values(value).reduce((bytes: number, inner) => bytes + payloadBytes(inner), 0);
}
