import './buffer-global.ts';
import { FitsError } from '../../science/fits/error.ts';
import { type FileContents, readFile } from './read-file.ts';

/** A question of the page: a file, or where one is. */
export interface ReadRequest {
  id: number;
  source: Blob | ArrayBuffer;
}
export type ReadAnswer =
  | { id: number; contents: FileContents }
  /** `reason` is for people where the file is to blame. */
  | { id: number; reason: string; isOurs: boolean };

async function answerTo({ id, source }: ReadRequest): Promise<ReadAnswer> {
  try {
    return { id, contents: await readFile(source instanceof Blob ? await source.arrayBuffer() : source) };
  } catch (error) {
    return {
      id,
      reason: error instanceof Error ? error.message : String(error),
      isOurs: !(error instanceof FitsError),
    };
  }
}

self.addEventListener('message', ({ data }: MessageEvent<ReadRequest>) => {
  void answerTo(data).then((answer) => {
    const arrays =
      'contents' in answer && 'arms' in answer.contents.spectrum
        ? answer.contents.spectrum.arms.flatMap(({ wave, flux, ivar, bad }) =>
            [wave, flux, ivar, bad].flatMap((array) => (array ? [array.buffer] : [])),
          )
        : [];
    self.postMessage(answer, { transfer: arrays });
  });
});
