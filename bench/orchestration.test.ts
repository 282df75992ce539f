import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, it } from 'vitest';
import { type Interval, orchestrationShare, recordOf } from './orchestration.ts';

it.each<[string, Interval[], number]>([
  ['nothing ran', [], 1],
  ['one ran all the time', [[0, 100]], 0],
  ['one ran for a part', [[20, 80]], 0.4],
  [
    'two side by side count once',
    [
      [20, 80],
      [30, 60],
    ],
    0.4,
  ],
  [
    'two that overlap',
    [
      [20, 50],
      [40, 80],
    ],
    0.4,
  ],
  [
    'two with a pause, in any order',
    [
      [60, 80],
      [20, 50],
    ],
    0.5,
  ],
  [
    'one that began before and one that ended after',
    [
      [-50, 10],
      [90, 200],
    ],
    0.8,
  ],
  [
    'those outside do not count',
    [
      [-50, -10],
      [100, 200],
    ],
    1,
  ],
])('orchestration share where %s', (_, activities, share) => {
  expect(orchestrationShare([0, 100], activities)).toBeCloseTo(share, 12);
});

it('refuses a wall time of nothing', () => {
  expect(() => orchestrationShare([5, 5], [])).toThrow();
});

it('reads runs, events, activities and payloads of a chain of runs', () => {
  const payload = (bytes: number) => ({
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.alloc(bytes).toString('base64'),
  });
  const event = (eventId: number, time: string, eventType: string, attributes: object) => ({
    eventId: String(eventId),
    eventTime: `2026-01-01T00:00:${time}Z`,
    eventType: `EVENT_TYPE_${eventType}`,
    ...attributes,
  });
  const first = historyFromJSON({
    events: [
      event(1, '00.000', 'WORKFLOW_EXECUTION_STARTED', {
        workflowExecutionStartedEventAttributes: {
          input: { payloads: [payload(7), payload(5)] },
          memo: { fields: { label: payload(100) } },
        },
      }),
      event(2, '00.001', 'ACTIVITY_TASK_SCHEDULED', {
        activityTaskScheduledEventAttributes: { input: { payloads: [payload(3)] } },
      }),
      event(3, '01.500', 'ACTIVITY_TASK_STARTED', {
        activityTaskStartedEventAttributes: { scheduledEventId: '2' },
      }),
      event(4, '02.750', 'ACTIVITY_TASK_COMPLETED', {
        activityTaskCompletedEventAttributes: { startedEventId: '3', result: { payloads: [payload(2)] } },
      }),
    ],
  });
  const second = historyFromJSON({
    events: [
      event(1, '03.000', 'WORKFLOW_EXECUTION_STARTED', { workflowExecutionStartedEventAttributes: {} }),
      event(2, '03.100', 'ACTIVITY_TASK_STARTED', {
        activityTaskStartedEventAttributes: { scheduledEventId: '1' },
      }),
      event(3, '03.200', 'ACTIVITY_TASK_FAILED', {
        activityTaskFailedEventAttributes: { startedEventId: '2' },
      }),
    ],
  });
  const began = Date.parse('2026-01-01T00:00:00Z');
  expect(recordOf([first, second])).toEqual({
    runs: 2,
    events: 7,
    longestRunEvents: 4,
    payloadBytes: 117,
    activities: [
      [began + 1500, began + 2750],
      [began + 3100, began + 3200],
    ],
  });
});
