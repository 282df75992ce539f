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
  const commands = samples.find(({ name }) => name === 'spectrolabe_outbox_commands')?.value;
  const oldest = samples.find(({ name }) => name === 'spectrolabe_outbox_oldest_seconds')?.value;
  return {
    queues: [...queues.values()],
    outbox: commands === undefined ? undefined : { commands, oldestSeconds: oldest ?? 0 },
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
