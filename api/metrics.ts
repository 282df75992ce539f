import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { JobPhase } from '../contracts/job.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import type { JobsRepository } from '../db/repositories/jobs.ts';
import type { LabellingsRepository } from '../db/repositories/labellings.ts';
import type { OutboxRepository } from '../db/repositories/outbox.ts';
import type { JobEventHub } from './job-event-hub.ts';
import type { RequestLabel } from './observe-requests.ts';
import { listLiveWorkers, pollingWorkers, readBacklogs } from './workers.ts';

/** Prometheus itself waits for ten seconds. */
const TEMPORAL_TIMEOUT_MS = 5000;
/** Of answers [s]: from a page of a list to a large download. */
const BUCKETS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

export interface MetricSources {
  jobs: JobsRepository;
  outbox: OutboxRepository;
  labellings: LabellingsRepository;
  hub: JobEventHub;
  temporal: Client;
  log: Logger;
}

export interface ApiMetrics {
  requestSeconds: Histogram<RequestLabel>;
  /** In Prometheus' text format, as things are now. What a service would tell that is away is left out. */
  render: () => Promise<string>;
}

type Samples = readonly (readonly [labels: Record<string, string>, value: number])[];

/** Numbers that are asked for at each scrape: nothing of an earlier one can stay. */
class Scrape {
  readonly registry = new Registry();

  gauge(name: string, help: string, samples: Samples | number): void {
    const given: Samples = typeof samples === 'number' ? [[{}, samples]] : samples;
    const labelNames = Object.keys(given[0]?.[0] ?? {});
    const gauge = new Gauge({ name, help, labelNames, registers: [this.registry] });
    for (const [labels, value] of given) gauge.set(labels, value);
  }
}

/** The API's numbers for Prometheus: its own, and what it knows of the whole system, or asks database and Temporal. */
export function createApiMetrics({
  jobs,
  outbox,
  labellings,
  hub,
  temporal,
  log,
}: MetricSources): ApiMetrics {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  const requestSeconds = new Histogram<RequestLabel>({
    name: 'spectrolabe_http_request_seconds',
    help: 'Time until a request was answered, event streams left out.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [own],
  });

  async function askDatabase(scrape: Scrape): Promise<void> {
    const [phases, spectra, lag, unanswered] = await Promise.all([
      jobs.countByPhase(),
      jobs.countSpectraDone(),
      outbox.lag(),
      labellings.countUnanswered(),
    ]);
    const countOf = (phase: JobPhase) => phases.find((one) => one.phase === phase)?.count ?? 0;
    scrape.gauge(
      'spectrolabe_jobs',
      'Jobs by phase.',
      JobPhase.options.map((phase) => [{ phase }, countOf(phase)]),
    );
    scrape.gauge('spectrolabe_job_spectra', 'Spectra that jobs have dealt with, as they told.', spectra);
    scrape.gauge('spectrolabe_outbox_commands', 'Commands that wait for Temporal.', lag.waiting);
    scrape.gauge('spectrolabe_outbox_oldest_seconds', 'Age of the oldest of them.', lag.oldestSeconds);
    scrape.gauge(
      'spectrolabe_open_labellings',
      'Spectra of running campaigns’ open batches that have no answer.',
      unanswered.map(({ spectrumSet, count }) => [{ set: spectrumSet }, count]),
    );
  }

  async function askTemporal(scrape: Scrape): Promise<void> {
    const [live, backlogs] = await temporal.withDeadline(Date.now() + TEMPORAL_TIMEOUT_MS, () =>
      Promise.all([listLiveWorkers(temporal), readBacklogs(temporal)]),
    );
    const polling = pollingWorkers(live);
    scrape.gauge(
      'spectrolabe_workers',
      'Workers that take tasks from a task queue.',
      Object.values(TASK_QUEUES).map((queue) => [
        { queue },
        polling.filter((worker) => worker.task_queue === queue).length,
      ]),
    );
    scrape.gauge(
      'spectrolabe_task_queue_backlog',
      'Tasks that wait for a worker, about.',
      backlogs.map(({ queue, kind, tasks }) => [{ queue, kind }, tasks]),
    );
    scrape.gauge(
      'spectrolabe_task_queue_backlog_age_seconds',
      'Age of the oldest of them, about.',
      backlogs.map(({ queue, kind, oldestSeconds }) => [{ queue, kind }, oldestSeconds]),
    );
  }

  /** @returns 1 where the source told all that it is asked for, else 0 */
  async function ask(source: string, work: Promise<void>): Promise<number> {
    try {
      await work;
      return 1;
    } catch (error) {
      log.debug({ err: error, source }, 'a service does not tell its numbers');
      return 0;
    }
  }

  return {
    requestSeconds,
    render: async () => {
      const scrape = new Scrape();
      scrape.gauge('spectrolabe_event_streams', 'Event streams that are open.', hub.readers);
      const [database, temporalUp] = await Promise.all([
        ask('database', askDatabase(scrape)),
        ask('temporal', askTemporal(scrape)),
      ]);
      scrape.gauge('spectrolabe_source_up', 'Whether database and Temporal tell their numbers.', [
        [{ source: 'database' }, database],
        [{ source: 'temporal' }, temporalUp],
      ]);
      return `${await own.metrics()}${await scrape.registry.metrics()}`;
    },
  };
}
