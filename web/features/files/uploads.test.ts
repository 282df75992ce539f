import { afterEach, describe, expect, it, vi } from 'vitest';
import { effectScope } from 'vue';

interface Pending {
  name: string;
  signal: AbortSignal;
  onProgress: (share: number) => void;
  finish: () => void;
  fail: (error: Error) => void;
}
const pending: Pending[] = [];
vi.mock('../../api-client/files.ts', () => ({
  uploadFile: (input: { file: File; signal: AbortSignal; onProgress: (share: number) => void }) =>
    new Promise<void>((resolve, reject) => {
      const { file, signal, onProgress } = input;
      pending.push({ name: file.name, signal, onProgress, finish: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')));
    }),
}));
const { useUploads } = await import('./uploads.ts');

function start(names: string[]) {
  const done: string[] = [];
  const owner = effectScope();
  const queue = owner.run(() => useUploads((path) => done.push(path)));
  if (!queue) throw new Error('the scope is not active');
  queue.add(
    '/a',
    names.map((name) => new File(['x'], name)),
  );
  return { ...queue, done, owner, states: () => queue.uploads.map((upload) => upload.state) };
}
const settle = () => new Promise((resolve) => setTimeout(resolve));
afterEach(() => pending.splice(0));

describe('useUploads', () => {
  it('sends three at once and goes on as they finish', async () => {
    const queue = start(['1', '2', '3', '4']);
    expect(queue.states()).toEqual(['sending', 'sending', 'sending', 'waiting']);
    pending[0]?.onProgress(0.5);
    expect(queue.uploads[0]?.share).toBe(0.5);
    pending[0]?.finish();
    await settle();
    expect(queue.states()).toEqual(['done', 'sending', 'sending', 'sending']);
    expect(queue.done).toEqual(['/a']);
  });
  it('cancels one that is being sent and one that waits', async () => {
    const queue = start(['1', '2', '3', '4']);
    for (const index of [0, 3]) {
      const upload = queue.uploads[index];
      if (upload) queue.cancel(upload);
    }
    await settle();
    expect(queue.states()).toEqual(['cancelled', 'sending', 'sending', 'cancelled']);
    expect(pending.map((one) => one.name)).toEqual(['1', '2', '3']);
  });
  it('says why one failed, and goes on with the others', async () => {
    const queue = start(['1', '2']);
    pending[0]?.fail(new Error('disk full'));
    pending[1]?.finish();
    await settle();
    expect(queue.uploads.map(({ state, problem }) => [state, problem])).toEqual([
      ['failed', 'disk full'],
      ['done', undefined],
    ]);
    queue.clear();
    expect(queue.uploads).toEqual([]);
  });
  it('cancels what is left when its page is left', async () => {
    const queue = start(['1']);
    queue.owner.stop();
    await settle();
    expect(pending[0]?.signal.aborted).toBe(true);
  });
});
