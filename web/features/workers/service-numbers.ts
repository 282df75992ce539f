import { failureOf } from '../../api-client/http.ts';

/** What waits on one task queue. */
export interface QueueNumbers {
  queue: string;
  /** Tasks without a worker, about. */
  waiting: number;
  /** How long the oldest of them has waited [s]: the time from its schedule to its start grows with it. */
  oldestSeconds: number;
}

/** What the page tells of the numbers that Prometheus gets. */
export interface ServiceNumbers {
  /** Empty while Temporal does not tell them. */
  queues: QueueNumbers[];
  /** Commands on their way to Temporal, and the age of the oldest [s]; undefined while the database does not tell. */
  outbox: { commands: number; oldestSeconds: number } | undefined;
  /** Spectra of open batches without an answer; undefined while the database does not tell. */
  openLabellings: number | undefined;
  /** Spectra that jobs have dealt with; undefined while the database does not tell. */
  spectra: number | undefined;
}

/** How many spectra there were at a time [ms since any moment]. */
export interface SpectraAt {
  timeMs: number;
  spectra: number;
}
/** A mean over less jumps with every batch of files. */
const RATE_OVER_MS = 30_000;

/** What is kept to tell how fast it goes: the samples of the last half minute, and this one. */
export function withSample(samples: readonly SpectraAt[], sample: SpectraAt): SpectraAt[] {
  // A job was deleted, or runs again: what was before does not compare.
  const last = samples.at(-1);
  const before = last && last.spectra > sample.spectra ? [] : samples;
  return [...before.filter(({ timeMs }) => sample.timeMs - timeMs <= RATE_OVER_MS), sample];
}

/** Spectra a second from the first sample to the last; undefined before there are two. */
export function spectraPerSecond(samples: readonly SpectraAt[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  return first && last && last.timeMs > first.timeMs
    ? (1000 * (last.spectra - first.spectra)) / (last.timeMs - first.timeMs)
    : undefined;
}

interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** What the API tells Prometheus now. @throws ApiFailure where it does not answer so */
export async function getServiceNumbers(signal: AbortSignal): Promise<ServiceNumbers> {
  const answer = await fetch('/metrics', { signal });
  const text = await answer.text();
  if (!answer.ok) throw failureOf(answer.status, answer.statusText, text);
  return readServiceNumbers(text);
}

/** Numbers from Prometheus' text, as `/metrics` of the API writes it. */
export function readServiceNumbers(text: string): ServiceNumbers {
  const samples = text.split('\n').flatMap((line) => sampleOf(line) ?? []);
  const valueOf = (name: string, queue: string, kind: string) =>
    samples.find(
      (sample) => sample.name === name && sample.labels['queue'] === queue && sample.labels['kind'] === kind,
    )?.value;
  const queues = new Map<string, QueueNumbers>();
  for (const { name, labels, value } of samples) {
    const { queue, kind } = labels;
    if (name !== 'spectrolabe_task_queue_backlog' || queue === undefined || kind === undefined) continue;
    const before = queues.get(queue) ?? { queue, waiting: 0, oldestSeconds: 0 };
    const age = valueOf('spectrolabe_task_queue_backlog_age_seconds', queue, kind) ?? 0;
    queues.set(queue, {
      queue,
      waiting: before.waiting + value,
      oldestSeconds: Math.max(before.oldestSeconds, age),
    });
  }
  const numberOf = (name: string) => samples.find((sample) => sample.name === name)?.value;
  const commands = numberOf('spectrolabe_outbox_commands');
  const oldest = numberOf('spectrolabe_outbox_oldest_seconds');
  const open = samples.filter(({ name }) => name === 'spectrolabe_open_labellings');
  return {
    queues: [...queues.values()],
    outbox: commands === undefined ? undefined : { commands, oldestSeconds: oldest ?? 0 },
    openLabellings: open.length === 0 ? undefined : open.reduce((sum, { value }) => sum + value, 0),
    spectra: numberOf('spectrolabe_job_spectra'),
  };
}

function sampleOf(line: string): Sample | undefined {
  const [, name, written = '', value] = /^(spectrolabe_\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) return undefined;
  const labels = Object.fromEntries(
    Array.from(written.matchAll(/(\w+)="([^"]*)"/g), ([, label = '', text = '']) => [label, text] as const),
  );
  return { name, labels, value: Number(value) };
}
