import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

interface Pending {
  name: string;
  parentPath: string;
  onProgress: (share: number) => void;
  finish: () => void;
  fail: (error: Error) => void;
}
const pending: Pending[] = [];
const there: { filename: string; size: number; modified_at: string }[] = [];
vi.mock('../../api-client/files.ts', () => ({
  listDirectory: () => Promise.resolve({ files: there }),
  uploadFile: (input: {
    file: File;
    parentPath: string;
    signal: AbortSignal;
    onProgress: (share: number) => void;
  }) =>
    new Promise<void>((resolve, reject) => {
      const { file, parentPath, signal, onProgress } = input;
      pending.push({ name: file.name, parentPath, onProgress, finish: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')));
    }),
}));
const { createUploadQueue } = await import('./upload-queue.ts');
const { ApiFailure } = await import('../../api-client/http.ts');

const picked = (names: string[], directory = '', size = 1) =>
  names.map((name) => ({ file: new File([new Uint8Array(size)], name, { lastModified: 1000 }), directory }));
const settle = (milliseconds = 150) => vi.advanceTimersByTimeAsync(milliseconds);
function start(names: string[], directory?: string, size?: number) {
  const done: string[] = [];
  const queue = createUploadQueue((path) => done.push(path));
  queue.add('/a', picked(names, directory, size));
  return { ...queue, done };
}
const finish = (name: string) => pending.find((one) => one.name === name)?.finish();
const sent = () => pending.map(({ name }) => name);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  pending.length = 0;
  there.length = 0;
});

describe('createUploadQueue', () => {
  it('sends three at once and goes on as they finish', async () => {
    const queue = start(['1', '2', '3', '4']);
    await settle();
    expect(sent()).toEqual(['1', '2', '3']);
    pending[0]?.onProgress(0.5);
    await settle();
    expect(queue.now.value).toMatchObject({ total: 4, bytes: 4, bytesDone: 0.5 });
    finish('1');
    await settle();
    expect(sent()).toEqual(['1', '2', '3', '4']);
    expect(queue.now.value.counts).toMatchObject({ done: 1, sending: 3, waiting: 0 });
    expect(queue.done).toEqual(['/a']);
  });

  it('keeps the directories that files came in', async () => {
    start(['1'], 'plate/sp06');
    await settle();
    expect(pending[0]?.parentPath).toBe('/a/plate/sp06');
  });

  it('leaves out what a directory holds already, unless the file is newer', async () => {
    const modified_at = new Date(5000).toISOString();
    there.push(
      { filename: 'same', size: 1, modified_at },
      { filename: 'older there', size: 1, modified_at: new Date(500).toISOString() },
      { filename: 'other size', size: 2, modified_at },
    );
    const queue = start(['same', 'older there', 'other size'], 'plate');
    await settle();
    expect(sent()).toEqual(['older there', 'other size']);
    expect(queue.now.value.counts.skipped).toBe(1);
    queue.add('/a', picked(['same']));
    finish('other size');
    await settle();
    expect(sent()).toContain('same');
  });

  it('pauses: small files arrive, large ones begin again, no further one starts', async () => {
    const queue = start(['large'], '', 9_000_000);
    queue.add('/a', picked(['2', '3', '4']));
    await settle();
    queue.pause();
    finish('2');
    await settle();
    expect(sent()).toEqual(['large', '2', '3']);
    expect(queue.now.value).toMatchObject({ isPaused: true, counts: { waiting: 2, sending: 1, done: 1 } });
    queue.resume();
    await settle();
    expect(sent()).toEqual(['large', '2', '3', 'large', '4']);
  });

  it('says why a file failed, goes on with the others, and tries again when asked', async () => {
    const queue = start(['1', '2']);
    await settle();
    pending[0]?.fail(new ApiFailure({ status: 403, code: 'read_only', detail: 'the archive is read-only' }));
    finish('2');
    await settle();
    expect(queue.now.value.failed.map(({ file, problem }) => [file.name, problem])).toEqual([
      ['1', 'the archive is read-only'],
    ]);
    queue.retryFailed();
    await settle();
    expect(sent()).toEqual(['1', '2', '1']);
    expect(queue.now.value.failed).toEqual([]);
  });

  it('asks a server that does not answer again, and gives up after a while', async () => {
    const queue = start(['1']);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await settle(10_000);
      expect(pending).toHaveLength(attempt);
      pending
        .at(-1)
        ?.fail(new ApiFailure({ status: 0, code: 'unreachable', detail: 'The connection broke' }));
    }
    await settle(10_000);
    expect(queue.now.value.counts.failed).toBe(1);
    expect(queue.isBusy()).toBe(false);
  });

  it('cancels one, and all', async () => {
    const queue = start(['1', '2', '3', '4', '5']);
    await settle();
    queue.cancel(1);
    queue.cancel(5);
    await settle();
    expect(queue.now.value.counts).toMatchObject({ cancelled: 2, sending: 3 });
    queue.cancelAll();
    await settle();
    expect(queue.now.value.counts).toMatchObject({ cancelled: 5, sending: 0, waiting: 0 });
    queue.clear();
    await settle();
    expect(queue.now.value.total).toBe(0);
  });

  it('keeps up with ten thousand files', async () => {
    const queue = start(Array.from({ length: 10_000 }, (_, index) => `${index}`));
    for (let index = 0; index < 300; index += 1) {
      await settle(1);
      for (const one of pending.splice(0)) one.finish();
    }
    await settle();
    expect(queue.now.value.counts.done).toBeGreaterThan(800);
    expect(queue.now.value.done).toHaveLength(200);
  });
});
