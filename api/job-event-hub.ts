import { Wakeup } from './wakeup.ts';

/** Events on the wire, from one on. */
export interface EventPage {
  text: string;
  /** Of the newest event that the page covers: the next page begins behind it. */
  lastId: number;
  /** Read on at once or soon, for there is more; otherwise at the next wake-up. */
  more: 'at once' | 'soon' | 'no';
}
/** Reads the events after an id; undefined where there is nothing to be read any more (the job is gone). */
export type ReadPage = (afterId: number) => Promise<EventPage | undefined>;

export interface Subscription {
  wakeup: Wakeup;
  /** Reads, together with all other readers of these events that are as far. */
  share: (afterId: number, read: ReadPage) => Promise<EventPage | undefined>;
  unsubscribe: () => void;
}

const ALL_JOBS = '';

/** What the readers of the same events have in common. */
class Topic {
  readonly readers = new Set<Wakeup>();
  readonly #reads = new Map<number, Promise<EventPage | undefined>>();

  /** Readers that are equally far share one query: a hundred browsers cost the database no more than one. */
  share(afterId: number, read: ReadPage): Promise<EventPage | undefined> {
    const running = this.#reads.get(afterId);
    if (running) return running;
    const begun = read(afterId).finally(() => {
      if (this.#reads.get(afterId) === begun) this.#reads.delete(afterId);
    });
    this.#reads.set(afterId, begun);
    return begun;
  }

  wake(): void {
    // A query under way may have begun before the event: nobody joins it any more.
    this.#reads.clear();
    for (const wakeup of this.readers) wakeup.wake();
  }
}

/** Wakes the event streams of a job, and those of all jobs, when the database says that there is a new event. */
export class JobEventHub {
  readonly #topics = new Map<string, Topic>();
  readonly #closing = new AbortController();

  /** Aborted when the server stops: every stream ends. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** How many readers there are. */
  get readers(): number {
    return [...this.#topics.values()].reduce((sum, { readers }) => sum + readers.size, 0);
  }

  /** A wake-up of its own for one reader of a job's events. @param jobId undefined: of all jobs */
  subscribe(jobId: string | undefined): Subscription {
    const key = jobId ?? ALL_JOBS;
    const topic = this.#topics.get(key) ?? new Topic();
    this.#topics.set(key, topic);
    const wakeup = new Wakeup();
    topic.readers.add(wakeup);
    return {
      wakeup,
      share: (afterId, read) => topic.share(afterId, read),
      unsubscribe: () => {
        topic.readers.delete(wakeup);
        if (topic.readers.size === 0 && this.#topics.get(key) === topic) this.#topics.delete(key);
      },
    };
  }

  wake(jobId: string): void {
    this.#topics.get(jobId)?.wake();
    this.#topics.get(ALL_JOBS)?.wake();
  }

  /** After a lost connection: any job may have new events. */
  wakeAll(): void {
    for (const topic of this.#topics.values()) topic.wake();
  }

  close(): void {
    this.#closing.abort();
    this.wakeAll();
  }
}
