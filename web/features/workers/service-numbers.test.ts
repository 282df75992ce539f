import { expect, it } from 'vitest';
import { readServiceNumbers, spectraPerSecond, withSample } from './service-numbers.ts';

it('sums what waits on a queue, and takes the oldest', () => {
  const text = `# HELP spectrolabe_task_queue_backlog Tasks that wait for a worker, about.
# TYPE spectrolabe_task_queue_backlog gauge
spectrolabe_task_queue_backlog{queue="control",kind="workflow"} 2
spectrolabe_task_queue_backlog{queue="control",kind="activity"} 3
spectrolabe_task_queue_backlog{queue="cpu",kind="activity"} 7
spectrolabe_task_queue_backlog_age_seconds{queue="control",kind="workflow"} 0.5
spectrolabe_task_queue_backlog_age_seconds{queue="control",kind="activity"} 4
spectrolabe_task_queue_backlog_age_seconds{queue="cpu",kind="activity"} 12.25
spectrolabe_outbox_commands 1
spectrolabe_outbox_oldest_seconds 3
spectrolabe_open_labellings{set="ORACLE"} 12
spectrolabe_open_labellings{set="PERFORMANCE_ESTIMATION"} 3
spectrolabe_job_spectra 4100
nodejs_eventloop_lag_seconds 0
`;
  expect(readServiceNumbers(text)).toEqual({
    queues: [
      { queue: 'control', waiting: 5, oldestSeconds: 4 },
      { queue: 'cpu', waiting: 7, oldestSeconds: 12.25 },
    ],
    outbox: { commands: 1, oldestSeconds: 3 },
    openLabellings: 15,
    spectra: 4100,
  });
});

it('tells nothing where database and Temporal are away', () => {
  expect(readServiceNumbers('spectrolabe_source_up{source="database"} 0\n')).toEqual({
    queues: [],
    outbox: undefined,
    openLabellings: undefined,
    spectra: undefined,
  });
});

it('tells how fast it goes over half a minute, and begins anew where a job was deleted', () => {
  const at = (seconds: number, spectra: number) => ({ timeMs: 1000 * seconds, spectra });
  const samples = [at(0, 0), at(20, 100), at(40, 500)].reduce(withSample, []);
  expect(spectraPerSecond(samples)).toBe(20);
  const anew = withSample(samples, at(45, 30));
  expect(spectraPerSecond(anew)).toBeUndefined();
  expect(spectraPerSecond(withSample(anew, at(50, 30)))).toBe(0);
});
