import { setTimeout as sleep } from 'node:timers/promises';
import { fetch, Pool } from 'undici';
import { z } from 'zod';
import { Job } from '../contracts/job.ts';
import { type Latencies, latenciesOf } from './latencies.ts';

const CREATED_AT_ONCE = 8;
const LABELLINGS_A_CALL = 1000;
const LabellingIds = z.object({ labellings: z.array(z.object({ labelling_id: z.uuid() })) });
const SpectrumNames = z.object({ spectra: z.array(z.object({ filename: z.string() })) });

/** What the load asks for. */
export interface Subjects {
  jobs: string[];
  /** Jobs with labellings, and some labellings. */
  labelledJobs: string[];
  labellings: string[];
  spectra: string[];
}

/** A connection pool to one API; every answer but 2xx is an error. */
export class ApiUnderLoad {
  readonly #pool: Pool;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
    this.#pool = new Pool(url, { connections: 64 });
  }

  /** The body, read whole. @throws Error where the answer is not 2xx */
  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<string> {
    const answer = await this.#pool.request({
      method,
      path,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 200 || answer.statusCode > 299)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 200)}`);
    return text;
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** Makes jobs, and labellings of some of them, through the API. */
export async function fill(
  api: ApiUnderLoad,
  { jobs, labelledJobs, labellings }: { jobs: number; labelledJobs: number; labellings: number },
): Promise<Subjects> {
  const ids: string[] = [];
  const create = async (): Promise<void> => {
    while (ids.length < jobs) {
      const place = ids.push('') - 1;
      const body = {
        type: 'ACTIVE_ML',
        label: `Load ${place}`,
        config: { classes: ['other', 'single peak', 'double peak'], candidate_classes: ['double peak'] },
      };
      ids[place] = Job.parse(JSON.parse(await api.call('POST', '/api/jobs', body))).job_id;
    }
  };
  await Promise.all(Array.from({ length: CREATED_AT_ONCE }, create));
  const labelled = ids.slice(0, labelledJobs);
  for (const job_id of labelled)
    for (let from = 0; from < labellings; from += LABELLINGS_A_CALL)
      await api.call(
        'POST',
        '/api/labellings/batch',
        Array.from({ length: Math.min(LABELLINGS_A_CALL, labellings - from) }, (_, index) => ({
          job_id,
          spectrum_filename: `spec-55859-F5902_sp01-${from + index}.fits`,
          spectrum_set: 'ORACLE',
          sequence_iteration: Math.floor((from + index) / 100),
          model_prediction: 'other',
          probabilities: [0.5, 0.3, 0.2],
        })),
      );
  const some = LabellingIds.parse(
    JSON.parse(await api.call('GET', `/api/labellings?job_id=${labelled[0]}&limit=200`)),
  );
  const catalogue = SpectrumNames.parse(JSON.parse(await api.call('GET', '/api/spectra?limit=1000')));
  return {
    jobs: ids,
    labelledJobs: labelled,
    labellings: some.labellings.map(({ labelling_id }) => labelling_id),
    spectra: catalogue.spectra.map(({ filename }) => filename),
  };
}

/** One kind of read, so many of a hundred requests. */
interface Read {
  name: string;
  share: number;
  path: (pick: <T>(values: readonly T[]) => T, subjects: Subjects) => string;
}

export const READS: readonly Read[] = [
  {
    name: 'GET /jobs/{id}',
    share: 25,
    path: (pick, { jobs }) => `/api/jobs/${pick(jobs)}`,
  },
  {
    name: 'GET /jobs',
    share: 20,
    path: (pick, { jobs }) => `/api/jobs?limit=50&offset=${50 * Math.floor(jobs.indexOf(pick(jobs)) / 50)}`,
  },
  {
    name: 'GET /labellings',
    share: 20,
    path: (pick, { labelledJobs }) => `/api/labellings?job_id=${pick(labelledJobs)}&limit=100`,
  },
  {
    name: 'GET /labellings/{id}',
    share: 10,
    path: (pick, { labellings }) => `/api/labellings/${pick(labellings)}`,
  },
  {
    name: 'GET /jobs/{id}/log',
    share: 5,
    path: (pick, { jobs }) => `/api/jobs/${pick(jobs)}/log`,
  },
  {
    name: 'GET /files',
    share: 5,
    path: () => '/api/files',
  },
  {
    name: 'GET /spectra',
    share: 5,
    path: () => '/api/spectra?limit=50',
  },
  {
    name: 'GET /spectra/{filename}',
    share: 10,
    path: (pick, { spectra }) => `/api/spectra/${encodeURIComponent(pick(spectra))}`,
  },
];

/**
 * Sends `rate` reads a second for so long, whatever the answers take: a request's time counts from when it was due, so that
 * a server that falls behind cannot hide it.
 * @returns the times by kind, and the first errors
 */
export async function readSteadily(
  api: ApiUnderLoad,
  subjects: Subjects,
  { rate, seconds, signal }: { rate: number; seconds: number; signal: AbortSignal },
): Promise<{ byRead: Record<string, Latencies>; errors: string[] }> {
  const kinds = READS.flatMap((read) => Array.from({ length: read.share }, () => read));
  const times = new Map(READS.map(({ name }) => [name, { milliseconds: [] as number[], errors: 0 }]));
  const errors: string[] = [];
  const running = new Set<Promise<void>>();
  const begun = performance.now();
  let number = 0;
  // Equal runs ask the same: no random numbers, but strides that share no factor with the lengths.
  const pick = <T>(values: readonly T[]): T => {
    const value = values[(number * 7919) % values.length];
    if (value === undefined) throw new Error('there is nothing to ask for');
    return value;
  };
  for (const total = Math.round(rate * seconds); number < total && !signal.aborted; number++) {
    const due = begun + (1000 * number) / rate;
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    const read = kinds[(number * 37) % kinds.length];
    if (!read) throw new Error('there is nothing to read');
    const kind = times.get(read.name);
    const request = api.call('GET', read.path(pick, subjects)).then(
      () => void kind?.milliseconds.push(performance.now() - due),
      (error: unknown) => {
        if (kind) kind.errors++;
        if (errors.length < 10) errors.push(String(error));
      },
    );
    running.add(request);
    void request.finally(() => running.delete(request));
  }
  await Promise.all(running);
  const byRead = Object.fromEntries(
    [...times].map(([name, { milliseconds, errors: bad }]) => [name, latenciesOf(milliseconds, bad)]),
  );
  return { byRead, errors };
}

/** Event streams that are held open: what came over them, and how many broke. */
export interface OpenStreams {
  events: number;
  broken: number;
  close: () => Promise<void>;
}

/** Opens `count` streams: every tenth of all jobs, the others of a job each. Resolves once all have begun. */
export async function openStreams(
  api: ApiUnderLoad,
  jobs: readonly string[],
  count: number,
): Promise<OpenStreams> {
  const closing = new AbortController();
  const streams: OpenStreams = {
    events: 0,
    broken: 0,
    close: async () => {
      closing.abort();
      await Promise.all(reading);
    },
  };
  const reading: Promise<void>[] = [];
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = index % 10 === 0 ? '/api/events' : `/api/jobs/${jobs[index % jobs.length]}/events`;
      const response = await fetch(`${api.url}${path}`, { signal: closing.signal });
      if (!response.ok || !response.body) throw new Error(`${path}: ${response.status}`);
      const { body } = response;
      reading.push(
        (async () => {
          const decoder = new TextDecoder();
          try {
            for await (const chunk of body)
              streams.events += decoder.decode(chunk, { stream: true }).split('\ndata: ').length - 1;
            streams.broken++;
          } catch (error) {
            if (!closing.signal.aborted) {
              streams.broken++;
              console.error(`${path}: ${String(error)}`);
            }
          }
        })(),
      );
    }),
  );
  return streams;
}
