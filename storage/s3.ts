import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { S3Location } from '../contracts/storage-location.ts';
import { checkKey, keyOf, ObjectNotFound, type ObjectStore, objectUri } from './object-store.ts';

/** Larger objects go up in parts of this size, of which S3 takes 10,000: 156 GiB. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 4;
/** The client repeats a request that fails, waiting longer each time; we repeat a read that breaks off half way. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 100;
/** Threads of a worker ask for several parts at once. */
const MAX_CONNECTIONS = 64;
const CONNECT_MS = 5_000;
/** A connection on which nothing moves for so long is given up. */
const STALL_MS = 30_000;

/** Objects of a bucket. Besides, an object can be downloaded from the bucket itself. */
export interface S3Store extends ObjectStore {
  /**
   * An address that gives the object's bytes to whoever has it, for so many seconds (a week at most), saved by a browser
   * as `filename`. Whether there is such an object is not asked.
   */
  downloadUrl(uri: string, options: { seconds: number; filename: string }): Promise<string>;
}

/** A body that broke off on its way; the read is repeated. */
class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

/**
 * Objects below `prefix` in a bucket. Every part of an upload carries a checksum (CRC-32) that the server verifies, and
 * so does an answer where the server has one. An upload that fails is aborted; the object before stays. Credentials are
 * found as Amazon's programs find them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared file, the machine's role.
 */
export function createS3Store({ bucket, prefix, region, endpoint }: S3Location): S3Store {
  const client = new S3Client({
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
  const base = prefix === '' ? '' : `${prefix}/`;

  function objectOf(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: bucket, Key: base + key };
  }

  async function upload(key: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    await new Upload({
      client,
      params: { ...objectOf(key), Body: Readable.from(chunks, { objectMode: true }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    }).done();
  }

  async function find(key: string): Promise<number | undefined> {
    try {
      return (await client.send(new HeadObjectCommand(objectOf(key)))).ContentLength;
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  async function readOnce(
    uri: string,
    range: { start: number; end: number } | undefined,
    memory: Uint8Array | undefined,
  ): Promise<Uint8Array> {
    const { Body, ContentLength } = await client.send(
      new GetObjectCommand({
        ...objectOf(keyOf(uri)),
        ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : {}),
      }),
    );
    if (!(Body instanceof Readable) || ContentLength === undefined)
      throw new Error(`${uri}: the server's answer has no body or no length`);
    const into = memory && memory.length >= ContentLength ? memory : new Uint8Array(ContentLength);
    let filled = 0;
    try {
      for await (const chunk of Body) {
        if (!(chunk instanceof Uint8Array)) throw new Error('not bytes');
        if (filled + chunk.length > ContentLength) throw new Error('more bytes than announced');
        into.set(chunk, filled);
        filled += chunk.length;
      }
    } catch (error) {
      throw new BrokenBody(`${uri} broke off after ${filled} bytes`, { cause: error });
    }
    if (filled < ContentLength)
      throw new BrokenBody(`${uri} ended after ${filled} of ${ContentLength} bytes`);
    return into.subarray(0, filled);
  }

  return {
    async put(key, chunks) {
      const hash = createHash('sha256');
      let bytes = 0;
      async function* hashed() {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          // The source may fill its memory anew, and parts wait here until they are whole.
          yield Buffer.from(chunk);
        }
      }
      await upload(key, hashed());
      return { uri: objectUri(key), sha256: hash.digest('hex'), bytes };
    },

    putScratch: upload,

    find,

    async *list(key) {
      const { Bucket, Key } = objectOf(key);
      for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: `${Key}/` }))
        for (const { Key: name, Size: bytes, LastModified: writtenAt } of page.Contents ?? [])
          if (name !== undefined && bytes !== undefined && writtenAt)
            yield { key: name.slice(base.length), bytes, writtenAt };
    },

    async read(uri, range, memory) {
      // HTTP has no range without a byte.
      if (range && range.end <= range.start) {
        if ((await find(keyOf(uri))) === undefined) throw new ObjectNotFound(uri);
        return new Uint8Array(0);
      }
      for (let attempt = 1; ; attempt++)
        try {
          return await readOnce(uri, range, memory);
        } catch (error) {
          if (error instanceof NoSuchKey) throw new ObjectNotFound(uri);
          // It has no byte there.
          if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416)
            return new Uint8Array(0);
          if (!(error instanceof BrokenBody) || attempt === MAX_ATTEMPTS) throw error;
          await delay(RETRY_MS * 2 ** attempt * Math.random());
        }
    },

    async deletePrefix(key) {
      const object = objectOf(key);
      const { Bucket, Key } = object;
      for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: `${Key}/` })) {
        const Objects = (page.Contents ?? []).flatMap((one) =>
          one.Key === undefined ? [] : [{ Key: one.Key }],
        );
        if (Objects.length === 0) continue;
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
        );
        if (Errors.length > 0)
          throw new Error(`${Errors.length} objects below ${key} were not deleted: ${Errors[0]?.Message}`);
      }
      await client.send(new DeleteObjectCommand(object));
    },

    downloadUrl: (uri, { seconds, filename }) =>
      getSignedUrl(
        client,
        new GetObjectCommand({
          ...objectOf(keyOf(uri)),
          ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
        }),
        { expiresIn: seconds },
      ),
  };
}
