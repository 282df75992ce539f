/**
 * Finds which of `count` things end a worker thread (out of memory, a crash in native code), by halves.
 * @param probe works on things `from` to `to` (exclusive), and rejects when the thread has died
 * @returns the reason for each, by index
 */
export async function findDeadly(
  count: number,
  probe: (from: number, to: number) => Promise<unknown>,
): Promise<Map<number, string>> {
  const deadly = new Map<number, string>();
  const search = async (from: number, to: number): Promise<void> => {
    try {
      await probe(from, to);
    } catch (error) {
      if (to - from > 1) {
        const middle = (from + to) >> 1;
        await search(from, middle);
        await search(middle, to);
      } else
        deadly.set(
          from,
          `reading it ended the reader: ${error instanceof Error ? error.message : String(error)}`,
        );
    }
  };
  if (count > 0) await search(0, count);
  return deadly;
}
