import { Hdf5Answer, type Hdf5Node } from './hdf5-tree.ts';

/**
 * What is in an HDF5 file, read piece by piece from its address.
 * @throws Error where it is no HDF5 file; what `signal` is aborted with
 */
export function readHdf5(url: string, signal: AbortSignal): Promise<{ nodes: Hdf5Node[]; isWhole: boolean }> {
  const worker = new Worker(new URL('./hdf5-worker.ts', import.meta.url), { type: 'module' });
  return new Promise<{ nodes: Hdf5Node[]; isWhole: boolean }>((resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')),
    );
    worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const answer = Hdf5Answer.safeParse(data);
      if (!answer.success) reject(answer.error);
      else if ('problem' in answer.data) reject(new Error(answer.data.problem));
      else resolve(answer.data);
    });
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    // A worker knows no address of this page.
    worker.postMessage(new URL(url, location.href).href);
  }).finally(() => worker.terminate());
}
