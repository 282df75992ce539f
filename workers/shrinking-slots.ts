import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

/** Slots for activities of which one may be held back. */
export interface ShrinkingSlots extends CustomSlotSupplier<ActivitySlotInfo> {
  /** There is one slot less until the returned function is called; what has a slot keeps it. */
  holdSlot(): () => void;
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
    holdSlot() {
      free--;
      let isHeld = true;
      return () => {
        if (isHeld) give();
        isHeld = false;
      };
    },
  };
}
