import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import type { JobStep } from '../contracts/job-steps.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Failure = temporal.api.failure.v1.IFailure;
type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;
type Time = temporal.api.history.v1.IHistoryEvent['eventTime'];

/** Steps of older runs are read back to so many events; what a page can show is far fewer. */
const MAX_EVENTS = 20_000;

const timeText = (time: Time): string | undefined =>
  time === null || time === undefined ? undefined : new Date(tsToMs(time)).toISOString();

/** What failed, down to the cause that says most. */
function failureText(failure: Failure | null | undefined): string | undefined {
  if (!failure) return undefined;
  return failure.cause
    ? (failureText(failure.cause) ?? failure.message ?? undefined)
    : (failure.message ?? undefined);
}

/**
 * The activities and signals of a run, out of its history, oldest first.
 * @param pending what Temporal says of activities that have not ended: their starts are not in the history yet
 */
export function stepsOf(
  events: readonly HistoryEvent[],
  pending: readonly PendingActivity[] = [],
): JobStep[] {
  const steps: JobStep[] = [];
  const scheduled = new Map<string, { step: JobStep; activityId: string }>();
  const close = (
    event: HistoryEvent,
    scheduledEventId: unknown,
    state: JobStep['state'],
    failure?: Failure | null,
  ) => {
    const found = scheduled.get(String(scheduledEventId));
    if (!found) return;
    found.step.state = state;
    const endedAt = timeText(event.eventTime);
    if (endedAt !== undefined) found.step.ended_at = endedAt;
    const why = failureText(failure);
    if (why !== undefined) found.step.failure = why;
  };
  for (const event of events) {
    const at = timeText(event.eventTime);
    if (at === undefined) continue;
    const {
      workflowExecutionSignaledEventAttributes: signaled,
      activityTaskScheduledEventAttributes: toDo,
      activityTaskStartedEventAttributes: started,
      activityTaskCompletedEventAttributes: completed,
      activityTaskFailedEventAttributes: failed,
      activityTaskTimedOutEventAttributes: timedOut,
      activityTaskCanceledEventAttributes: cancelled,
    } = event;
    if (signaled)
      steps.push({
        kind: 'signal',
        name: signaled.signalName ?? '',
        state: 'completed',
        attempt: 1,
        scheduled_at: at,
        ended_at: at,
      });
    if (toDo) {
      const step: JobStep = {
        kind: 'activity',
        name: toDo.activityType?.name ?? '',
        state: 'waiting',
        attempt: 1,
        scheduled_at: at,
        ...(toDo.taskQueue?.name ? { task_queue: toDo.taskQueue.name } : {}),
      };
      steps.push(step);
      scheduled.set(String(event.eventId), { step, activityId: toDo.activityId ?? '' });
    }
    const found = started && scheduled.get(String(started.scheduledEventId));
    if (found) {
      found.step.state = 'running';
      found.step.attempt = started.attempt ?? 1;
      found.step.started_at = at;
      if (started.identity) found.step.worker = started.identity;
      const why = failureText(started.lastFailure);
      if (why !== undefined) found.step.failure = why;
    }
    if (completed) close(event, completed.scheduledEventId, 'completed');
    if (failed) close(event, failed.scheduledEventId, 'failed', failed.failure);
    if (timedOut) close(event, timedOut.scheduledEventId, 'timed_out', timedOut.failure);
    if (cancelled) close(event, cancelled.scheduledEventId, 'cancelled');
  }
  for (const one of pending) {
    const found = [...scheduled.values()].find(
      ({ step, activityId }) => activityId === one.activityId && step.ended_at === undefined,
    );
    if (!found) continue;
    const { step } = found;
    step.attempt = one.attempt ?? 1;
    const startedAt = timeText(one.lastStartedTime);
    // 2 is PENDING_ACTIVITY_STATE_STARTED: else it waits, for a worker or for its next attempt.
    step.state = one.state === 2 ? 'running' : 'waiting';
    if (startedAt !== undefined) step.started_at = startedAt;
    if (one.lastWorkerIdentity) step.worker = one.lastWorkerIdentity;
    const why = failureText(one.lastFailure);
    if (why !== undefined) step.failure = why;
  }
  return steps;
}

/**
 * The steps of a workflow: those of its newest run, and of the runs that it continued as far as they are kept and few
 * enough. @throws WorkflowNotFoundError; a gRPC error where Temporal is away
 */
export async function readWorkflowSteps(
  client: Client,
  workflowId: string,
): Promise<{ runId: string; steps: JobStep[]; complete: boolean }> {
  const { runId, raw } = await client.workflow.getHandle(workflowId).describe();
  let steps: JobStep[] = [];
  let read = 0;
  let pending: readonly PendingActivity[] = raw.pendingActivities ?? [];
  let next: string | undefined = runId;
  while (next !== undefined && read < MAX_EVENTS) {
    const events: HistoryEvent[] = await readHistory(client, workflowId, next);
    read += events.length;
    steps = [...stepsOf(events, pending), ...steps];
    pending = [];
    const before = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    next = before ? before : undefined;
  }
  return { runId, steps, complete: next === undefined };
}

async function readHistory(client: Client, workflowId: string, runId: string): Promise<HistoryEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return events ?? [];
}
