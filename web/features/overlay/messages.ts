import type { CountScale } from './colours.ts';
import type { Hit } from './raster.ts';
import type { View } from './view.ts';

/** What the page says to the worker that holds the spectra and draws them. */
export type ToWorker =
  /** Fetches the fluxes of rows on one grid, little-endian float32; may be said before `grid`. */
  | { kind: 'fetch'; url: string }
  /** The grid [Å] and how many rows there will be. */
  | { kind: 'grid'; wave: Float64Array; rows: number }
  /** One spectrum on a grid of its own: it is put on the common one, divided by its median. */
  | { kind: 'row'; wave: Float32Array; flux: Float32Array }
  /** No more rows will come. */
  | { kind: 'complete' }
  /** A picture is wanted; without a view, of everything. Of several wishes the last counts. */
  | {
      kind: 'draw';
      view: View | undefined;
      width: number;
      height: number;
      scale: CountScale;
      ground: 'light' | 'dark';
    }
  /** 1 for each row that is not drawn. */
  | { kind: 'hide'; hidden: Uint8Array }
  /** Which lines pass near a place of a picture [pixels from its top left]? */
  | {
      kind: 'near';
      view: View;
      width: number;
      height: number;
      x: number;
      y: number;
      reach: number;
      most: number;
      purpose: 'hover' | 'choose';
    }
  /** The values of a row. */
  | { kind: 'line'; row: number };

/** What the worker answers. */
export type FromWorker =
  | {
      kind: 'picture';
      bitmap: ImageBitmap;
      view: View;
      /** The view that shows everything worth seeing, and the farthest that can be seen. */
      home: View;
      bounds: View;
      /** Rows that are in the picture, and rows that there will be. */
      rows: number;
      totalRows: number;
      /** Every row is there, and drawn. */
      isWhole: boolean;
      /** Lines over a pixel of the last colour; over a few there are more. */
      full: number;
      milliseconds: number;
    }
  | { kind: 'near'; hits: Hit[]; purpose: 'hover' | 'choose'; x: number; y: number }
  | { kind: 'line'; row: number; flux: Float32Array }
  /** The fluxes could not be had; `status` 0 where no answer came. */
  | { kind: 'failed'; status: number; statusText: string; body: string; requestId: string | undefined };
