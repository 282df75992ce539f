import { shallowRef } from 'vue';
import { listDirectory, uploadFile } from '../../api-client/files.ts';
import { ApiFailure } from '../../api-client/http.ts';
import { joinPath } from '../../paths.ts';
import type { PickedFile } from './picked-files.ts';

export type UploadState = 'waiting' | 'sending' | 'done' | 'skipped' | 'cancelled' | 'failed';
export interface Upload {
  readonly id: number;
  readonly file: File;
  readonly parentPath: string;
  /** The directory that was open when the file was chosen: `parentPath` may lie below it. */
  readonly into: string;
  /** A file of this name and size that is newer there is left as it is. */
  readonly skipsSame: boolean;
  /** Share sent, 0 to 1. */
  share: number;
  state: UploadState;
  problem?: string;
  tries: number;
}

/** What the page shows: of thousands of files numbers, and those that are on their way or failed. */
export interface UploadsNow {
  counts: Readonly<Record<UploadState, number>>;
  total: number;
  bytes: number;
  bytesDone: number;
  isPaused: boolean;
  /** How many are not there yet, by the directory that they were chosen for. */
  unsent: readonly { into: string; count: number }[];
  sending: readonly Upload[];
  failed: readonly Upload[];
  /** The last that arrived, the newest first. */
  done: readonly Upload[];
}

const AT_ONCE = 3;
/** A server that does not answer, or is not itself, is asked again. */
const MOST_TRIES = 4;
const RETRY_AFTER_MS = [500, 2000, 8000];
/** A smaller file is not broken off by a pause: it would have to be sent again from its beginning. */
const FINISHES_BYTES = 8_000_000;
const SHOWN = 200;
const isCancelled = ({ state }: Upload) => state === 'cancelled';
const NO_COUNTS: Readonly<Record<UploadState, number>> = {
  waiting: 0,
  sending: 0,
  done: 0,
  skipped: 0,
  cancelled: 0,
  failed: 0,
};

/**
 * Uploads of any number of files, a few at once, that go on while pages come and go. Nothing is kept of a broken upload;
 * one that was broken off begins again. `onDone` hears of each directory that has got a file.
 */
export function createUploadQueue(onDone: (parentPath: string) => void) {
  const uploads = new Map<number, Upload>();
  const controllers = new Map<number, AbortController>();
  /** Ids that wait, in order; those that were cancelled meanwhile are passed over. */
  let line: number[] = [];
  let isPaused = false;
  let lastId = 0;
  let isTelling = false;
  const listings = new Map<string, Promise<Map<string, { size: number; modifiedAt: number }>>>();

  function count(): UploadsNow {
    const counts = { ...NO_COUNTS };
    let [bytes, bytesDone] = [0, 0];
    const sending: Upload[] = [];
    const failed: Upload[] = [];
    const done: Upload[] = [];
    const unsent = new Map<string, number>();
    for (const upload of uploads.values()) {
      counts[upload.state] += 1;
      if (upload.state !== 'cancelled') bytes += upload.file.size;
      if (upload.state === 'waiting' || upload.state === 'sending')
        unsent.set(upload.into, (unsent.get(upload.into) ?? 0) + 1);
      if (upload.state === 'done' || upload.state === 'skipped') {
        bytesDone += upload.file.size;
        done.push(upload);
      } else if (upload.state === 'sending') {
        bytesDone += upload.share * upload.file.size;
        sending.push({ ...upload });
      } else if (upload.state === 'failed') failed.push(upload);
    }
    return {
      counts,
      total: uploads.size,
      bytes,
      bytesDone,
      isPaused,
      unsent: Array.from(unsent, ([into, count]) => ({ into, count })),
      sending,
      failed: failed.slice(0, SHOWN),
      done: done.slice(-SHOWN).reverse(),
    };
  }
  const now = shallowRef<UploadsNow>(count());
  /** Not for every byte of thousands of files: ten times a second. */
  function tell() {
    if (isTelling) return;
    isTelling = true;
    setTimeout(() => {
      isTelling = false;
      now.value = count();
    }, 100);
  }
  function set(upload: Upload, state: UploadState, problem?: string) {
    upload.state = state;
    if (problem === undefined) delete upload.problem;
    else upload.problem = problem;
    tell();
  }

  /** What a directory held when the uploads into it began. */
  function listingOf(parentPath: string) {
    const known = listings.get(parentPath);
    if (known) return known;
    const asked = listDirectory(parentPath).then(
      ({ files }) =>
        new Map(
          files.map((one) => [one.filename, { size: one.size, modifiedAt: Date.parse(one.modified_at) }]),
        ),
      (error: unknown) => {
        // It is made by the first file.
        if (error instanceof ApiFailure && error.status === 404) return new Map();
        listings.delete(parentPath);
        throw error;
      },
    );
    listings.set(parentPath, asked);
    return asked;
  }
  async function isThere({ file, parentPath, skipsSame }: Upload): Promise<boolean> {
    if (!skipsSame) return false;
    const there = (await listingOf(parentPath)).get(file.name);
    return there !== undefined && there.size === file.size && there.modifiedAt > file.lastModified;
  }

  async function send(upload: Upload) {
    const controller = new AbortController();
    controllers.set(upload.id, controller);
    upload.tries += 1;
    upload.share = 0;
    set(upload, 'sending');
    try {
      if (await isThere(upload)) {
        set(upload, 'skipped');
        return;
      }
      await uploadFile({
        parentPath: upload.parentPath,
        file: upload.file,
        signal: controller.signal,
        onProgress: (share) => {
          upload.share = share;
          tell();
        },
      });
      set(upload, 'done');
      onDone(upload.parentPath);
    } catch (error) {
      if (controller.signal.aborted) {
        if (isCancelled(upload)) return;
        // By a pause.
        upload.tries -= 1;
        set(upload, 'waiting');
        line.unshift(upload.id);
        return;
      }
      const mayPass = error instanceof ApiFailure && (error.status === 0 || error.status >= 500);
      if (mayPass && upload.tries < MOST_TRIES) {
        set(upload, 'waiting');
        setTimeout(
          () => {
            if (upload.state !== 'waiting') return;
            line.unshift(upload.id);
            startMore();
          },
          RETRY_AFTER_MS[upload.tries - 1],
        );
      } else set(upload, 'failed', error instanceof Error ? error.message : String(error));
    } finally {
      controllers.delete(upload.id);
      startMore();
    }
  }

  function startMore() {
    while (!isPaused && controllers.size < AT_ONCE) {
      const id = line.shift();
      if (id === undefined) return;
      const upload = uploads.get(id);
      if (upload?.state === 'waiting') void send(upload);
    }
  }

  return {
    now,
    /** Whether something is still to be sent. */
    isBusy: () => [...uploads.values()].some(({ state }) => state === 'waiting' || state === 'sending'),
    /** Queues files for directories of the store: each into `parentPath` and the directory that it came in. */
    add(parentPath: string, files: readonly PickedFile[]) {
      listings.clear();
      for (const { file, directory } of files) {
        lastId += 1;
        uploads.set(lastId, {
          id: lastId,
          file,
          parentPath: joinPath(parentPath, directory),
          into: parentPath,
          skipsSame: directory !== '',
          share: 0,
          state: 'waiting',
          tries: 0,
        });
        line.push(lastId);
      }
      tell();
      startMore();
    },
    pause() {
      isPaused = true;
      for (const [id, controller] of controllers)
        if ((uploads.get(id)?.file.size ?? 0) > FINISHES_BYTES) controller.abort();
      tell();
    },
    resume() {
      isPaused = false;
      tell();
      startMore();
    },
    cancel(id: number) {
      const upload = uploads.get(id);
      if (upload?.state === 'waiting' || upload?.state === 'sending') set(upload, 'cancelled');
      controllers.get(id)?.abort();
    },
    /** All that are not there yet. */
    cancelAll() {
      isPaused = false;
      line = [];
      for (const upload of uploads.values())
        if (upload.state === 'waiting' || upload.state === 'sending') set(upload, 'cancelled');
      for (const controller of controllers.values()) controller.abort();
      tell();
    },
    retryFailed() {
      for (const upload of uploads.values())
        if (upload.state === 'failed') {
          upload.tries = 0;
          set(upload, 'waiting');
          line.push(upload.id);
        }
      startMore();
    },
    /** Forgets those that are over. */
    clear() {
      for (const [id, { state }] of uploads)
        if (state !== 'waiting' && state !== 'sending') uploads.delete(id);
      tell();
    },
  };
}
export type UploadQueue = ReturnType<typeof createUploadQueue>;
