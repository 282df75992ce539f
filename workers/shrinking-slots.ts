import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

/** Slots for activities of which there is one less while something else wants the processor. */
export interface ShrinkingSlots extends CustomSlotSupplier<ActivitySlotInfo> {
  /** Runs `work` with one slot less; what has a slot keeps it. */
  oneLess<T>(work: () => Promise<T>): Promise<T>;
}

export function createShrinkingSlots(slots: number): ShrinkingSlots {
  let free = slots;
  const waiting: { take: () => void }[] = [];
  const give = (): void => {
    free++;
    while (free > 0) {
      const next = waiting.shift();
      if (!next) return;
      next.take();
    }
  };
  const tryReserve = (): SlotPermit | null => {
    if (free <= 0) return null;
    free--;
    return {};
  };
  return {
    type: 'custom',
    tryReserveSlot: tryReserve,
    reserveSlot: (_context, signal) =>
      new Promise((resolve, reject) => {
        const permit = tryReserve();
        if (permit) {
          resolve(permit);
          return;
        }
        const waiter = {
          take: () => {
            signal.removeEventListener('abort', abort);
            free--;
            resolve({});
          },
        };
        const abort = () => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError'));
        };
        waiting.push(waiter);
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
      }),
    markSlotUsed: () => undefined,
    releaseSlot: give,
    async oneLess(work) {
      free--;
      try {
        return await work();
      } finally {
        give();
      }
    },
  };
}
