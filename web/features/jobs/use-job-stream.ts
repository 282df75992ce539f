import { onScopeDispose, type Ref, ref, shallowRef } from 'vue';
import { JOB_EVENT_KINDS } from '../../../contracts/job.ts';
import { jobEventsUrl } from '../../api-client/jobs.ts';
import { applyJobEvent, EMPTY_STREAM, type JobStream } from './job-stream.ts';

const RECONNECT_MS = 5000;

/**
 * One job's event stream. The browser reconnects by itself, with Last-Event-ID; where it has given up (an error
 * answer), it is tried again every 5 s. While `connected` is false the page polls.
 */
export function useJobStream(jobId: string): {
  stream: Ref<JobStream>;
  connected: Ref<boolean>;
  open: () => void;
  close: () => void;
} {
  const stream = shallowRef<JobStream>(EMPTY_STREAM);
  const connected = ref(false);
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  function close() {
    clearTimeout(again);
    source?.close();
    source = undefined;
    connected.value = false;
  }

  function open() {
    if (source) return;
    const current = new EventSource(jobEventsUrl(jobId));
    source = current;
    current.addEventListener('open', () => {
      connected.value = true;
    });
    current.addEventListener('error', () => {
      connected.value = false;
      if (current.readyState !== EventSource.CLOSED) return;
      close();
      again = setTimeout(open, RECONNECT_MS);
    });
    for (const kind of JOB_EVENT_KINDS)
      current.addEventListener(kind, (event: MessageEvent<string>) => {
        let data: unknown;
        try {
          data = JSON.parse(event.data);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
        }
        stream.value = applyJobEvent(stream.value, { id: Number(event.lastEventId), kind, data }, Date.now());
      });
  }

  onScopeDispose(close);
  return { stream, connected, open, close };
}
