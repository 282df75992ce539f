import type { EventsRepository } from '../db/repositories/events.ts';

/**
 * How far the events of all jobs are settled: none with a smaller position can come in between any more. Positions are
 * drawn before the commit, so a transaction under way may hold a smaller one than an event that is there already; a
 * position counts once all transactions have ended that had begun when it was drawn.
 */
export class AllJobsFeed {
  readonly #events: EventsRepository;
  #settled = 0;
  #pending: { position: number; mark: string } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(events: EventsRepository) {
    this.#events = events;
  }

  /** `complete`: the events committed before this call are all settled; otherwise it is to be called again soon. */
  advance(): Promise<{ position: number; complete: boolean }> {
    const advanced = this.#last.then(() => this.#advance());
    this.#last = advanced.catch(() => undefined);
    return advanced;
  }

  async #advance(): Promise<{ position: number; complete: boolean }> {
    if (this.#pending && !(await this.#settle(this.#pending)))
      return { position: this.#settled, complete: false };
    const position = await this.#events.newestPosition();
    const complete =
      position === this.#settled ||
      (await this.#settle({ position, mark: await this.#events.markTransaction() }));
    return { position: this.#settled, complete };
  }

  async #settle(drawn: { position: number; mark: string }): Promise<boolean> {
    const settled = await this.#events.haveEndedBefore(drawn.mark);
    if (settled) this.#settled = drawn.position;
    this.#pending = settled ? undefined : drawn;
    return settled;
  }
}
