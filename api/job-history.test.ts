import { msToTs } from '@temporalio/common/lib/time.js';
import { expect, it } from 'vitest';
import { stepsOf } from './job-history.ts';

type Events = Parameters<typeof stepsOf>[0];
const at = (seconds: number) => ({ eventTime: msToTs(1000 * seconds) });
/** Ids are numbers of 64 bits, as seconds are. */
const id = (number: number) => msToTs(1000 * number).seconds;
const time = (seconds: number) => new Date(1000 * seconds).toISOString();
const scheduled = (eventId: number, name: string, seconds: number) => ({
  eventId: id(eventId),
  ...at(seconds),
  activityTaskScheduledEventAttributes: {
    activityId: String(eventId),
    activityType: { name },
    taskQueue: { name: 'cpu' },
  },
});

it('reads activities, retries and signals out of a history', () => {
  const events: Events = [
    scheduled(5, 'trainIteration', 10),
    {
      ...at(13),
      activityTaskStartedEventAttributes: {
        scheduledEventId: id(5),
        attempt: 2,
        identity: '7@vm',
        lastFailure: { message: 'timed out', cause: { message: 'heartbeat timeout' } },
      },
    },
    { ...at(20), activityTaskCompletedEventAttributes: { scheduledEventId: id(5) } },
    { ...at(21), workflowExecutionSignaledEventAttributes: { signalName: 'pause' } },
    scheduled(9, 'openBatch', 22),
    { ...at(22), activityTaskStartedEventAttributes: { scheduledEventId: id(9), attempt: 1 } },
    {
      ...at(23),
      activityTaskFailedEventAttributes: { scheduledEventId: id(9), failure: { message: 'disk full' } },
    },
  ];
  expect(stepsOf(events)).toEqual([
    {
      kind: 'activity',
      name: 'trainIteration',
      task_queue: 'cpu',
      state: 'completed',
      attempt: 2,
      scheduled_at: time(10),
      started_at: time(13),
      ended_at: time(20),
      failure: 'heartbeat timeout',
      worker: '7@vm',
    },
    {
      kind: 'signal',
      name: 'pause',
      state: 'completed',
      attempt: 1,
      scheduled_at: time(21),
      ended_at: time(21),
    },
    expect.objectContaining({ name: 'openBatch', state: 'failed', failure: 'disk full' }),
  ]);
});

it('takes what runs from the activities that are pending: their starts are not in the history', () => {
  const pending: Parameters<typeof stepsOf>[1] = [
    {
      activityId: '5',
      attempt: 3,
      state: 2,
      lastStartedTime: msToTs(40_000),
      lastFailure: { message: 'worker died' },
    },
    { activityId: '6', attempt: 4, state: 1, lastFailure: { message: 'no network' } },
  ];
  expect(stepsOf([scheduled(5, 'scoreIteration', 10), scheduled(6, 'openBatch', 11)], pending)).toMatchObject(
    [
      { state: 'running', attempt: 3, started_at: time(40), failure: 'worker died' },
      { state: 'waiting', attempt: 4, failure: 'no network' },
    ],
  );
});
