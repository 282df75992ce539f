/**
 * In the browser this stands for `node:zlib` (web/vite.config.ts): files are unpacked by DecompressionStream before
 * science/ sees them, for it can unpack only while nothing else happens.
 * @throws Error whenever it is called
 */
export function gunzipSync(): never {
  throw new Error('Files are unpacked before they are read');
}
