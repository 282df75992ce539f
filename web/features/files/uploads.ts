import { onScopeDispose, reactive } from 'vue';
import { uploadFile } from '../../api-client/files.ts';

export interface Upload {
  id: number;
  name: string;
  parentPath: string;
  /** Share sent, 0 to 1. */
  share: number;
  state: 'waiting' | 'sending' | 'done' | 'cancelled' | 'failed';
  problem?: string;
}

const AT_ONCE = 3;

/**
 * A queue of uploads, a few at once, each with its own progress and cancel. Leaving the page cancels what is left;
 * a broken upload leaves nothing behind on the server.
 */
export function useUploads(onDone: (parentPath: string) => void) {
  const uploads = reactive<Upload[]>([]);
  const jobs = new Map<number, { file: File; controller: AbortController }>();
  let lastId = 0;

  async function send(upload: Upload, file: File, controller: AbortController) {
    upload.state = 'sending';
    try {
      await uploadFile({
        parentPath: upload.parentPath,
        file,
        signal: controller.signal,
        onProgress: (share) => {
          upload.share = share;
        },
      });
      upload.share = 1;
      upload.state = 'done';
      onDone(upload.parentPath);
    } catch (error) {
      upload.state = controller.signal.aborted ? 'cancelled' : 'failed';
      if (upload.state === 'failed') upload.problem = error instanceof Error ? error.message : String(error);
    } finally {
      jobs.delete(upload.id);
      startMore();
    }
  }

  function startMore() {
    let free = AT_ONCE - uploads.filter((upload) => upload.state === 'sending').length;
    for (const upload of uploads) {
      if (free <= 0) return;
      const job = jobs.get(upload.id);
      if (upload.state !== 'waiting' || !job) continue;
      free -= 1;
      void send(upload, job.file, job.controller);
    }
  }

  function add(parentPath: string, files: Iterable<File>) {
    for (const file of files) {
      lastId += 1;
      jobs.set(lastId, { file, controller: new AbortController() });
      uploads.push({ id: lastId, name: file.name, parentPath, share: 0, state: 'waiting' });
    }
    startMore();
  }

  function cancel(upload: Upload) {
    jobs.get(upload.id)?.controller.abort();
    if (upload.state !== 'waiting') return;
    jobs.delete(upload.id);
    upload.state = 'cancelled';
  }

  function clear() {
    const left = uploads.filter((upload) => upload.state === 'waiting' || upload.state === 'sending');
    uploads.splice(0, uploads.length, ...left);
  }

  onScopeDispose(() => {
    for (const { controller } of jobs.values()) controller.abort();
    jobs.clear();
  });
  return { uploads, add, cancel, clear };
}
