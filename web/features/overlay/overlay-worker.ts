import { colourPixels, colourTable, fullCount } from './colours.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { fluxRangeOf, linesNear, Raster, type Spectra } from './raster.ts';
import { regrid } from './regrid.ts';
import { isSameView, type View } from './view.ts';

// Holds thousands of spectra and makes pictures of them, away from the page: it stays free to pan and zoom the last one.

type DrawWish = Extract<ToWorker, { kind: 'draw' }>;

/** A picture while rows still come: not more often than this. */
const REPAINT_MS = 120;
/** Rows of the first picture. */
const FIRST_ROWS = 100;

let spectra: Spectra | undefined;
let totalRows = 0;
let rowsHere = 0;
let isComplete = false;
let hidden = new Uint8Array();
let home: View | undefined;
let bounds: View | undefined;
/** Rows that `home` was found with. */
let homeRows = 0;

let wish: DrawWish | undefined;
let raster: Raster | undefined;
let rasterRows = 0;
let paintedAt = -Infinity;
let isPaintDue = false;

let gridIsHere: (grid: Spectra) => void = () => {};
const grid = new Promise<Spectra>((resolve) => {
  gridIsHere = resolve;
});

const answer = (message: FromWorker, transfer: Transferable[] = []) =>
  self.postMessage(message, { transfer });

const NEARLY_RIGHT = 0.03;
function isNear(one: View, other: View): boolean {
  const most = NEARLY_RIGHT * (other.yMax - other.yMin);
  return Math.abs(one.yMin - other.yMin) <= most && Math.abs(one.yMax - other.yMax) <= most;
}

/** Finds what there is to see; again once all rows are here. */
function measure({ fluxes, wave }: Spectra): { home: View; bounds: View } {
  if (home && bounds && (homeRows === rowsHere || !isComplete)) return { home, bounds };
  const count = rowsHere * wave.length;
  const seen = fluxRangeOf(fluxes, count);
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < count; index += 1) {
    const value = fluxes[index] ?? NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const x = { xMin: wave[0] ?? 0, xMax: wave[wave.length - 1] ?? 1 };
  const found = { ...x, yMin: seen.min, yMax: seen.max };
  // What the first rows told is kept where it was nearly right: the picture that is there need only be added to.
  home = home && isNear(home, found) ? home : found;
  bounds = { ...x, yMin: Math.min(low, home.yMin), yMax: Math.max(high, home.yMax) };
  homeRows = rowsHere;
  return { home, bounds };
}

function paint(): void {
  if (!spectra || !wish || (rowsHere === 0 && !isComplete)) return;
  const began = performance.now();
  const seen = measure(spectra);
  const view = wish.view ?? seen.home;
  const isSame =
    raster !== undefined &&
    raster.width === wish.width &&
    raster.height === wish.height &&
    isSameView(raster.view, view);
  if (!raster || !isSame) {
    raster = new Raster(spectra, view, wish.width, wish.height);
    rasterRows = 0;
  }
  raster.add(rasterRows, rowsHere, hidden);
  rasterRows = rowsHere;
  const { counts, most } = raster.counts();
  const full = fullCount(counts, most);
  const pixels = colourPixels(counts, colourTable(full, wish.scale, wish.ground));
  const canvas = new OffscreenCanvas(wish.width, wish.height);
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, wish.width, wish.height), 0, 0);
  const bitmap = canvas.transferToImageBitmap();
  paintedAt = performance.now();
  answer(
    {
      kind: 'picture',
      bitmap,
      view,
      ...seen,
      rows: rowsHere,
      totalRows,
      isWhole: isComplete,
      full,
      milliseconds: paintedAt - began,
    },
    [bitmap],
  );
}

/** Paints once the messages that wait now are read: of many wishes only the last is fulfilled. */
function paintSoon(): void {
  if (isPaintDue) return;
  isPaintDue = true;
  setTimeout(() => {
    isPaintDue = false;
    paint();
  });
}

function rowsCame(): void {
  const isFirst = paintedAt === -Infinity;
  if (isFirst ? rowsHere >= Math.min(FIRST_ROWS, totalRows) : performance.now() - paintedAt >= REPAINT_MS)
    paint();
}

function complete(): void {
  isComplete = true;
  totalRows = rowsHere;
  paint();
}

/** Reads rows as they come, straight into their place. */
async function fetchFluxes(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    answer({
      kind: 'failed',
      status: response.status,
      statusText: response.statusText,
      body: await response.text(),
      requestId: response.headers.get('x-request-id') ?? undefined,
    });
    return;
  }
  const { fluxes, wave } = await grid;
  const bytes = new Uint8Array(fluxes.buffer);
  const rowBytes = 4 * wave.length;
  const reader = response.body.getReader();
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes.set(value.subarray(0, bytes.length - received), received);
    received = Math.min(bytes.length, received + value.length);
    rowsHere = Math.floor(received / rowBytes);
    rowsCame();
  }
  complete();
}

function addRow(wave: Float32Array, flux: Float32Array): void {
  if (!spectra || rowsHere >= totalRows) return;
  const points = spectra.wave.length;
  regrid(wave, flux, spectra.wave, spectra.fluxes.subarray(rowsHere * points, (rowsHere + 1) * points));
  rowsHere += 1;
  rowsCame();
}

self.addEventListener('message', ({ data: message }: MessageEvent<ToWorker>) => {
  switch (message.kind) {
    case 'fetch':
      fetchFluxes(message.url).catch((error: unknown) =>
        answer({
          kind: 'failed',
          status: 0,
          statusText: error instanceof Error ? error.message : String(error),
          body: '',
          requestId: undefined,
        }),
      );
      break;
    case 'grid':
      totalRows = message.rows;
      spectra = { wave: message.wave, fluxes: new Float32Array(message.rows * message.wave.length) };
      gridIsHere(spectra);
      break;
    case 'row':
      addRow(message.wave, message.flux);
      break;
    case 'complete':
      complete();
      break;
    case 'draw':
      wish = message;
      paintSoon();
      break;
    case 'hide':
      hidden = Uint8Array.from(message.hidden);
      raster = undefined;
      paintSoon();
      break;
    case 'near': {
      if (!spectra) break;
      const { view, width, height, x, y, reach, most, purpose } = message;
      const hits = linesNear(
        spectra,
        view,
        { width, height },
        { x, y },
        { rows: rowsHere, reach, most, hidden },
      );
      answer({ kind: 'near', hits, purpose, x, y });
      break;
    }
    case 'line': {
      if (!spectra || message.row >= rowsHere) break;
      const points = spectra.wave.length;
      const flux = spectra.fluxes.slice(message.row * points, (message.row + 1) * points);
      answer({ kind: 'line', row: message.row, flux }, [flux.buffer]);
      break;
    }
  }
});
