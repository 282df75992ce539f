import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import mime from 'mime';
import { ApiError } from '../contracts/error.ts';
import { FileStoreError, type FileStoreErrorCode, type OpenFile } from '../storage/file-store.ts';
import { HttpError } from './errors.ts';
import type { ContentSpec } from './route.ts';

const STATUSES: Readonly<Record<FileStoreErrorCode, number>> = {
  absent: 404,
  outside: 404,
  'not-a-file': 404,
  'not-a-directory': 404,
  exists: 409,
  'in-use': 409,
  'invalid-name': 422,
  'read-only': 403,
  'no-permission': 403,
  'too-large': 413,
};

/** Awaits work on the file store; its errors become the answers of API.md. */
export async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FileStoreError)) throw error;
    // What leads out of the store is, to a client, simply not there.
    const code = error.code === 'outside' ? 'absent' : error.code;
    throw new HttpError(STATUSES[error.code], code.replaceAll('-', '_'), error.message);
  }
}

/** As answering, for work that makes entries: a file in a directory's place is a conflict, not an absence. */
export async function answeringWrite<T>(work: Promise<T>): Promise<T> {
  try {
    return await answering(work);
  } catch (error) {
    if (error instanceof HttpError && error.code === 'not_a_directory')
      throw new HttpError(409, error.code, error.message);
    throw error;
  }
}

const FileContent: ContentSpec = {
  mediaTypes: ['*/*'],
  description: 'The bytes of the file, with the media type of its name; HEAD answers without them',
};

/** What a download may answer; errors beside these are the route's. */
export const DOWNLOAD_RESPONSES = {
  200: FileContent,
  206: { ...FileContent, description: 'The bytes of the range asked for' },
  304: 'empty',
  307: 'empty',
  416: ApiError,
} as const;

type DownloadHeaders = Record<string, string | number>;
export type DownloadAnswer =
  | { status: 200; content: Readable | Uint8Array; headers: DownloadHeaders }
  | { status: 206; content: Readable; headers: DownloadHeaders }
  | { status: 304; headers: DownloadHeaders }
  | { status: 307; headers: DownloadHeaders }
  | { status: 416; body: ApiError; headers: DownloadHeaders };

/**
 * Answers with an open file, or a part of it, and closes it. One byte range is honoured (RFC 9110 section 14);
 * several are answered with the whole, which the RFC allows. What the client can fetch where it lies is answered with that
 * address: there the same range is honoured.
 */
export async function download(file: OpenFile, request: IncomingMessage): Promise<DownloadAnswer> {
  const { headers: asked } = request;
  const headers: DownloadHeaders = {
    ETag: file.etag,
    'Last-Modified': file.modifiedAt.toUTCString(),
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-cache',
  };
  if (asked['if-none-match'] !== undefined && matches(asked['if-none-match'], file.etag)) {
    await file.close();
    return { status: 304, headers };
  }
  if (file.url !== undefined) {
    await file.close();
    return { status: 307, headers: { Location: file.url, 'Cache-Control': 'no-store' } };
  }
  const isRangeCurrent = asked['if-range'] === undefined || asked['if-range'] === file.etag;
  const range = isRangeCurrent ? parseRange(asked.range, file.size) : 'whole';
  if (range === 'unsatisfiable') {
    await file.close();
    return {
      status: 416,
      body: { code: 'range_not_satisfiable', detail: `The file has ${file.size} bytes` },
      headers: { ...headers, 'Content-Range': `bytes */${file.size}` },
    };
  }
  headers['Content-Type'] = mime.getType(file.filename) ?? 'application/octet-stream';
  headers['Content-Disposition'] = attachmentNamed(file.filename);
  headers['X-Content-Type-Options'] = 'nosniff';
  if (range !== 'whole') {
    headers['Content-Length'] = range.end - range.start + 1;
    headers['Content-Range'] = `bytes ${range.start}-${range.end}/${file.size}`;
    return { status: 206, content: file.read(range), headers };
  }
  headers['Content-Length'] = file.size;
  if (file.size === 0) {
    await file.close();
    return { status: 200, content: new Uint8Array(), headers };
  }
  // To its length at this moment: a file that grows would not fit its Content-Length.
  return { status: 200, content: file.read({ start: 0, end: file.size - 1 }), headers };
}

/** If-None-Match compares weakly (RFC 9110 section 13.1.2). */
function matches(condition: string, etag: string): boolean {
  return condition.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** First and last byte, inclusive. */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'whole' | 'unsatisfiable' {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '');
  const [, first = '', last = ''] = found ?? [];
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    if (Number(last) === 0 || size === 0) return 'unsatisfiable';
    return { start: Math.max(0, size - Number(last)), end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

/** Content-Disposition of a file to be saved under this name (RFC 6266). */
export const attachmentNamed = (filename: string): string =>
  `attachment; filename*=UTF-8''${extendedValue(filename)}`;

/** RFC 8187 value characters; encodeURIComponent leaves four more unencoded. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
