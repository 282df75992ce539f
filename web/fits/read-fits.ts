import type { ReadAnswer, ReadRequest } from './fits-worker.ts';
import type { FileContents } from './read-file.ts';

export type { ArmArrays, FileContents } from './read-file.ts';

/** Why a file is no FITS that can be read, for people. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

interface Waiting {
  resolve: (contents: FileContents) => void;
  reject: (error: Error) => void;
}
const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let lastId = 0;

/** Made when the first file is read: most pages read none. */
function start(): Worker {
  const made = new Worker(new URL('./fits-worker.ts', import.meta.url), { type: 'module' });
  made.addEventListener('message', ({ data: answer }: MessageEvent<ReadAnswer>) => {
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('contents' in answer) asker?.resolve(answer.contents);
    else asker?.reject(answer.isOurs ? new Error(answer.reason) : new UnreadableFile(answer.reason));
  });
  made.addEventListener('error', (event) => {
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error(event.message || 'The reader broke off'));
    waiting.clear();
  });
  return made;
}

/**
 * Reads a FITS file, packed by gzip or not, in the browser: nothing is sent anywhere.
 * @throws UnreadableFile with the reason where it is no FITS
 */
export function readFits(source: Blob | ArrayBuffer): Promise<FileContents> {
  worker ??= start();
  const to = worker;
  lastId += 1;
  const request: ReadRequest = { id: lastId, source };
  return new Promise((resolve, reject) => {
    waiting.set(request.id, { resolve, reject });
    to.postMessage(request);
  });
}
