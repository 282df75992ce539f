import { onScopeDispose, ref, shallowRef } from 'vue';
import { ApiFailure, failureOf } from '../../api-client/http.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Hit } from './raster.ts';

export type Picture = Extract<FromWorker, { kind: 'picture' }>;
type Wish = Omit<Extract<ToWorker, { kind: 'draw' }>, 'kind'>;
type Near = Extract<ToWorker, { kind: 'near' }>;

/** The worker that holds and draws the spectra of one page; it ends with the page. */
export function useOverlayWorker() {
  const worker = new Worker(new URL('./overlay-worker.ts', import.meta.url), { type: 'module' });
  const say = (message: ToWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);

  /** The last picture. */
  const picture = shallowRef<Picture>();
  /** The last picture of everything, which is there wherever one goes until a nearer one is drawn. */
  const overview = shallowRef<Picture>();
  const failure = ref<Error>();
  const lines = shallowRef<ReadonlyMap<number, Float32Array>>(new Map());
  const nearListeners = new Set<(hits: Hit[], near: Pick<Near, 'purpose' | 'x' | 'y'>) => void>();

  /** Between two pictures while one moves: the processor is needed to move the last one. */
  const REST_MS = 60;
  let isDrawing = false;
  let next: Wish | undefined;
  function draw(wish: Wish) {
    // One at a time: what is wished while one is drawn is drawn after it, the last wish only.
    if (isDrawing) {
      next = wish;
      return;
    }
    isDrawing = picture.value !== undefined;
    say({ kind: 'draw', ...wish });
  }

  function onPicture(drawn: Picture) {
    const replaced = picture.value;
    picture.value = drawn;
    const isOverview = drawn.view.xMin === drawn.home.xMin && drawn.view.xMax === drawn.home.xMax;
    const former = overview.value;
    if (isOverview || !former) overview.value = drawn;
    for (const old of new Set([replaced, former]))
      if (old && old !== picture.value && old !== overview.value) old.bitmap.close();
    if (!next) {
      isDrawing = false;
      return;
    }
    setTimeout(() => {
      isDrawing = false;
      const wish = next;
      next = undefined;
      if (wish) draw(wish);
    }, REST_MS);
  }

  worker.addEventListener('message', ({ data: message }: MessageEvent<FromWorker>) => {
    switch (message.kind) {
      case 'picture':
        onPicture(message);
        break;
      case 'near':
        for (const listener of nearListeners) listener(message.hits, message);
        break;
      case 'line':
        lines.value = new Map(lines.value).set(message.row, message.flux);
        break;
      case 'failed':
        failure.value =
          message.status === 0
            ? new ApiFailure({ status: 0, code: 'unreachable', detail: message.statusText })
            : failureOf(message.status, message.statusText, message.body, message.requestId);
        break;
    }
  });
  worker.addEventListener('error', (event) => {
    failure.value = new Error(event.message || 'The drawing of the spectra broke off');
  });
  onScopeDispose(() => worker.terminate());

  return {
    picture,
    overview,
    failure,
    /** Values of the rows that were asked for. */
    lines,
    draw,
    fetchFluxes: (url: string) => say({ kind: 'fetch', url: new URL(url, location.href).href }),
    setGrid: (wave: Float64Array, rows: number) => say({ kind: 'grid', wave, rows }),
    addRow: (wave: Float32Array<ArrayBuffer>, flux: Float32Array<ArrayBuffer>) =>
      say({ kind: 'row', wave, flux }, [wave.buffer, flux.buffer]),
    complete: () => say({ kind: 'complete' }),
    hide: (hidden: Uint8Array) => say({ kind: 'hide', hidden }),
    askNear: (near: Omit<Near, 'kind'>) => say({ kind: 'near', ...near }),
    onNear: (listener: (hits: Hit[], near: Pick<Near, 'purpose' | 'x' | 'y'>) => void) =>
      nearListeners.add(listener),
    askLine(row: number) {
      if (!lines.value.has(row)) say({ kind: 'line', row });
    },
  };
}
export type OverlayWorker = ReturnType<typeof useOverlayWorker>;
