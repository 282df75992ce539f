import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { S3Location } from '../contracts/storage-location.ts';

/** Larger objects go up in parts of this size, of which S3 takes 10,000: 156 GiB. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 4;
/** The client repeats a request that fails, waiting longer each time; we repeat a read that breaks off half way. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 100;
/** Threads of a worker ask for several objects at once. */
const MAX_CONNECTIONS = 64;
const CONNECT_MS = 5_000;
/** A connection on which nothing moves for so long is given up. */
const STALL_MS = 30_000;
/** S3 copies no larger object in one request. */
const MOST_COPIED_BYTES = 5 * 1024 ** 3;
/** Name in the object's metadata. */
const SHA256 = 'sha256';

/** There is no object of this key. */
export class KeyNotFound extends Error {
  override readonly name = 'KeyNotFound';
}

/** The object is another one by now than the one that was asked for. */
export class ObjectReplaced extends Error {
  override readonly name = 'ObjectReplaced';
}

/** The object has more bytes than were wanted. */
export class ObjectTooLarge extends Error {
  override readonly name = 'ObjectTooLarge';
}

/** A body that broke off on its way; the read is repeated. */
class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

export interface BucketObject {
  key: string;
  bytes: number;
  writtenAt: Date;
}

export interface ObjectHead extends BucketObject {
  /** Strong: the same tag means the same bytes. */
  etag: string;
  /** Where whoever wrote it knew it. */
  sha256?: string;
}

/** Bytes `start` (inclusive) to `end` (exclusive). */
export interface ByteRange {
  start: number;
  end: number;
}

/** Objects below a prefix of a bucket. Keys are taken as they are. */
export type S3Bucket = ReturnType<typeof openBucket>;

const clients = new Map<string, S3Client>();

/** One client for each server, so that its connections are kept and shared. */
function clientOf({ region, endpoint }: Pick<S3Location, 'region' | 'endpoint'>): S3Client {
  const key = `${region} ${endpoint}`;
  const client =
    clients.get(key) ??
    new S3Client({
      region,
      // Servers other than Amazon's have no name for each bucket.
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: STALL_MS,
        httpAgent: { keepAlive: true, maxSockets: MAX_CONNECTIONS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_CONNECTIONS },
      },
    });
  clients.set(key, client);
  return client;
}

/**
 * Every part of an upload carries a checksum (CRC-32) that the server verifies, and so does an answer where the server
 * has one. An upload that fails is aborted; the object before stays. Credentials are found as Amazon's programs find them:
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared file, the machine's role.
 */
export function openBucket(location: S3Location) {
  const { bucket: Bucket, prefix } = location;
  const client = clientOf(location);
  const base = prefix === '' ? '' : `${prefix}/`;
  const objectOf = (key: string) => ({ Bucket, Key: base + key });

  /** A body, and how many bytes it has. @throws KeyNotFound, ObjectReplaced; undefined where the range has no byte */
  async function get(
    key: string,
    range: ByteRange | undefined,
    etag: string | undefined,
  ): Promise<{ body: Readable; bytes: number } | undefined> {
    try {
      const { Body, ContentLength } = await client.send(
        new GetObjectCommand({
          ...objectOf(key),
          ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : {}),
          ...(etag === undefined ? {} : { IfMatch: etag }),
        }),
      );
      if (!(Body instanceof Readable) || ContentLength === undefined)
        throw new Error(`${key}: the server's answer has no body or no length`);
      return { body: Body, bytes: ContentLength };
    } catch (error) {
      if (error instanceof NoSuchKey) throw new KeyNotFound(key);
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 412) throw new ObjectReplaced(key);
      if (status === 416) return undefined;
      throw error;
    }
  }

  async function readOnce(
    key: string,
    range: ByteRange | undefined,
    { etag, memory, maxBytes = Infinity }: ReadOptions,
  ): Promise<Uint8Array> {
    const answer = await get(key, range, etag);
    if (!answer) return new Uint8Array(0);
    const { body, bytes } = answer;
    if (bytes > maxBytes) {
      body.destroy();
      throw new ObjectTooLarge(key);
    }
    const into = memory && memory.length >= bytes ? memory : new Uint8Array(bytes);
    let filled = 0;
    try {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) throw new Error('not bytes');
        if (filled + chunk.length > bytes) throw new Error('more bytes than announced');
        into.set(chunk, filled);
        filled += chunk.length;
      }
    } catch (error) {
      throw new BrokenBody(`${key} broke off after ${filled} bytes`, { cause: error });
    }
    if (filled < bytes) throw new BrokenBody(`${key} ended after ${filled} of ${bytes} bytes`);
    return into.subarray(0, filled);
  }

  async function head(key: string): Promise<ObjectHead | undefined> {
    try {
      const found = await client.send(new HeadObjectCommand(objectOf(key)));
      const { ContentLength: bytes, ETag: etag, LastModified: writtenAt } = found;
      if (bytes === undefined || etag === undefined || !writtenAt)
        throw new Error(`${key}: the server does not say its length, tag and time`);
      const sha256 = found.Metadata?.[SHA256];
      return { key, bytes, etag, writtenAt, ...(sha256 === undefined ? {} : { sha256 }) };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /**
   * All bytes of an object, or of a range of it. What breaks off is gone on with.
   * @throws KeyNotFound; ObjectReplaced where it has not this tag any more, before the first byte or later
   */
  async function* stream(key: string, range: ByteRange, etag: string): AsyncGenerator<Uint8Array> {
    let { start } = range;
    for (let attempt = 1; start < range.end; attempt++) {
      if (attempt > MAX_ATTEMPTS) throw new BrokenBody(`${key} ended after ${start} bytes`);
      const body = (await get(key, { start, end: range.end }, etag))?.body;
      if (!body) throw new ObjectReplaced(key);
      try {
        for await (const chunk of body) {
          if (!(chunk instanceof Uint8Array)) throw new TypeError(`${key} was not read as bytes`);
          start += chunk.length;
          yield chunk;
          attempt = 1;
        }
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error;
        await delay(RETRY_MS * 2 ** attempt * Math.random());
      }
    }
  }

  /** Writes an object over any earlier one, whole. An iterable must not fill the memory of a chunk anew. */
  async function write(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { sha256 }: { sha256?: string } = {},
  ): Promise<void> {
    const params = { ...objectOf(key), ...(sha256 === undefined ? {} : { Metadata: { [SHA256]: sha256 } }) };
    if (content instanceof Uint8Array) {
      await client.send(new PutObjectCommand({ ...params, Body: content, ContentLength: content.length }));
      return;
    }
    await new Upload({
      client,
      params: { ...params, Body: Readable.from(content, { objectMode: true }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    }).done();
  }

  /** What begins with `start`, a page of up to 1000 at a time: objects, and with a delimiter what keys have before it. */
  async function* pages(
    start: string,
    { delimiter, most }: { delimiter?: string; most?: number } = {},
  ): AsyncGenerator<{ objects: BucketObject[]; prefixes: string[] }> {
    const asked = {
      Bucket,
      Prefix: base + start,
      ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
      ...(most === undefined ? {} : { MaxKeys: most }),
    };
    for await (const page of paginateListObjectsV2({ client }, asked))
      yield {
        objects: (page.Contents ?? []).flatMap(({ Key: key, Size: bytes, LastModified: writtenAt }) =>
          key !== undefined && bytes !== undefined && writtenAt
            ? [{ key: key.slice(base.length), bytes, writtenAt }]
            : [],
        ),
        prefixes: (page.CommonPrefixes ?? []).flatMap(({ Prefix }) =>
          Prefix === undefined ? [] : [Prefix.slice(base.length)],
        ),
      };
  }

  async function deleteKeys(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const Objects = keys.map((key) => ({ Key: base + key }));
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    if (Errors.length > 0)
      throw new Error(`${Errors.length} objects were not deleted, ${Errors[0]?.Key}: ${Errors[0]?.Message}`);
  }

  return {
    head,
    stream,
    write,
    pages,

    /** All bytes, or those of a range that there are. @throws KeyNotFound, ObjectReplaced, ObjectTooLarge */
    async read(key: string, range?: ByteRange, options: ReadOptions = {}): Promise<Uint8Array> {
      for (let attempt = 1; ; attempt++)
        try {
          return await readOnce(key, range, options);
        } catch (error) {
          if (!(error instanceof BrokenBody) || attempt === MAX_ATTEMPTS) throw error;
          await delay(RETRY_MS * 2 ** attempt * Math.random());
        }
    },

    /** Writes the same bytes, and what is known of them, under another key. @throws KeyNotFound */
    async copy(from: string, to: string): Promise<void> {
      const found = await head(from);
      if (!found) throw new KeyNotFound(from);
      const { bytes, etag } = found;
      if (bytes > MOST_COPIED_BYTES) return write(to, stream(from, { start: 0, end: bytes }, etag), found);
      const source = `${Bucket}/${base}${from}`.split('/').map(encodeURIComponent).join('/');
      await client.send(new CopyObjectCommand({ ...objectOf(to), CopySource: source }));
    },

    /** Deletes an object; silent where there is none. */
    async delete(key: string): Promise<void> {
      await client.send(new DeleteObjectCommand(objectOf(key)));
    },

    /** Deletes all that begins with `start`. */
    async deleteAll(start: string): Promise<void> {
      const directories: string[] = [];
      for await (const { objects } of pages(start)) {
        const keys = objects.map(({ key }) => key);
        // Some servers have a file system below, where they go last.
        directories.push(...keys.filter((key) => key.endsWith('/')));
        await deleteKeys(keys.filter((key) => !key.endsWith('/')));
      }
      directories.reverse();
      for (let i = 0; i < directories.length; i += 1000) await deleteKeys(directories.slice(i, i + 1000));
    },

    /**
     * An address that gives an object's bytes to whoever has it, for so many seconds (a week at most), saved by a browser
     * as `filename`. Whether there is such an object is not asked.
     * @param endpoint where the server is for whoever gets the address
     */
    downloadUrl: (
      key: string,
      { endpoint, seconds, filename }: { endpoint: string; seconds: number; filename: string },
    ): Promise<string> =>
      getSignedUrl(
        clientOf({ region: location.region, endpoint }),
        new GetObjectCommand({
          ...objectOf(key),
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        }),
        { expiresIn: seconds },
      ),
  };
}

interface ReadOptions {
  /** The object must have this tag still. */
  etag?: string;
  /** May be used for the bytes, where it is large enough. */
  memory?: Uint8Array;
  maxBytes?: number;
}
