import { Wakeup } from './wakeup.ts';

/** Wakes the event streams of a job when the database says that it has a new event. */
export class JobEventHub {
  readonly #readers = new Map<string, Set<Wakeup>>();
  readonly #closing = new AbortController();

  /** Aborted when the server stops: every stream ends. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A wake-up of its own for one reader of a job's events. */
  subscribe(jobId: string): { wakeup: Wakeup; unsubscribe: () => void } {
    const wakeup = new Wakeup();
    const readers = this.#readers.get(jobId) ?? new Set();
    this.#readers.set(jobId, readers.add(wakeup));
    return {
      wakeup,
      unsubscribe: () => {
        readers.delete(wakeup);
        if (readers.size === 0 && this.#readers.get(jobId) === readers) this.#readers.delete(jobId);
      },
    };
  }

  wake(jobId: string): void {
    for (const wakeup of this.#readers.get(jobId) ?? []) wakeup.wake();
  }

  /** After a lost connection: any job may have new events. */
  wakeAll(): void {
    for (const jobId of this.#readers.keys()) this.wake(jobId);
  }

  close(): void {
    this.#closing.abort();
    this.wakeAll();
  }
}
