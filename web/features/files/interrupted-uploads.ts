import { z } from 'zod';

/** Files that were still to be sent into a directory when the page was left. */
export const Interrupted = z.array(z.object({ into: z.string(), count: z.number().int().positive() }));
export type Interrupted = z.infer<typeof Interrupted>;

const KEY = 'spectrolabe.uploads';

/** Remembers what is not sent yet, as long as this tab of the browser is there; nothing where all is. */
export function rememberUnsent(unsent: Interrupted, storage: Storage): void {
  if (unsent.length > 0) storage.setItem(KEY, JSON.stringify(unsent));
  else storage.removeItem(KEY);
}

/** What the page before this one had not sent, as it can tell: files themselves a browser does not keep. */
export function takeInterrupted(storage: Storage): Interrupted {
  const text = storage.getItem(KEY);
  storage.removeItem(KEY);
  if (text === null) return [];
  try {
    return Interrupted.parse(JSON.parse(text));
  } catch (error) {
    // Written by another version: it is only a reminder.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return [];
    throw error;
  }
}
