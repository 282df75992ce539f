import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3Location } from '../../contracts/storage-location.ts';
import { cacheDirectory } from '../../deploy/embedded/cache.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { logTail, startProcess } from '../../deploy/embedded/process.ts';

/** versitygw (Apache-2.0): an S3 server over a folder. */
const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';
const READY_MS = 20_000;
const REGION = 'us-east-1';

/** A bucket of its own on an S3 server that runs. */
export interface TestBucket {
  location: S3Location;
  client: S3Client;
  /** What finds the server's credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. */
  credentials: Record<string, string>;
  /** Deletes the bucket, and stops the server where it is ours. */
  close(): Promise<void>;
}

/**
 * How to come by an S3 server: the one at TEST_S3_ENDPOINT (with the credentials in the environment), a versitygw on
 * the PATH or in our cache, or, where TEST_S3=build asks for it, one that Go builds into the cache (three minutes).
 * @returns undefined where there is none, said once
 */
export async function findS3Server(): Promise<(() => Promise<TestBucket>) | undefined> {
  const endpoint = process.env['TEST_S3_ENDPOINT'];
  if (endpoint) return () => makeBucket(endpoint, {}, () => Promise.resolve());
  const program = await findVersitygw();
  if (program) return () => startVersitygw(program);
  console.log(
    'S3 is not tested: there is no server. Set TEST_S3_ENDPOINT (with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or TEST_S3=build to have Go build one into the cache, once.',
  );
  return undefined;
}

/** The program, where there is one; see `findS3Server`. */
export async function findVersitygw(): Promise<string | undefined> {
  const cached = join(cacheDirectory(), `versitygw-${VERSION}`, 'versitygw');
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'versitygw'));
  const found = [cached, ...onPath].find((path) => existsSync(path));
  if (found || process.env['TEST_S3'] !== 'build') return found;
  const beside = join(cacheDirectory(), `versitygw-${randomUUID()}`);
  await mkdir(beside, { recursive: true });
  try {
    console.log(`Building ${MODULE} ${VERSION} …`);
    await promisify(execFile)('go', ['install', `${MODULE}@${VERSION}`], {
      cwd: beside,
      env: { ...process.env, GOBIN: beside },
    });
    await mkdir(join(cached, '..'), { recursive: true });
    await rename(join(beside, 'versitygw'), cached);
    return cached;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function startVersitygw(program: string): Promise<TestBucket> {
  const base = await mkdtemp(join(tmpdir(), 'S3 of a test '));
  const [objects, metadata, logFile] = ['objects', 'metadata', 'log'].map((name) => join(base, name));
  if (!objects || !metadata || !logFile) throw new Error('three names make three paths');
  await mkdir(objects);
  await mkdir(metadata);
  const port = await freePort();
  const [user, secret] = ['tester', randomUUID()];
  const server = await startProcess({
    name: 'versitygw',
    command: program,
    args: [
      ...['--port', `127.0.0.1:${port}`, '--access', user, '--secret', secret, '--region', REGION, '--quiet'],
      // Attributes in files: not every disk has them of its own.
      ...['posix', '--sidecar', metadata, objects],
    ],
    env: { PATH: process.env['PATH'] },
    cwd: base,
    logFile,
  });
  const stop = async () => {
    await server.stop([['SIGTERM', 5]]);
    await rm(base, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    const deadline = Date.now() + READY_MS;
    // Any answer, also a refusal, is one.
    while (!(await fetch(endpoint).catch(() => undefined))) {
      if (server.hasExited() || Date.now() > deadline)
        throw new Error(`versitygw did not start:\n${await logTail(logFile)}`);
      await delay(50);
    }
    return await makeBucket(endpoint, { AWS_ACCESS_KEY_ID: user, AWS_SECRET_ACCESS_KEY: secret }, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeBucket(
  endpoint: string,
  credentials: Record<string, string>,
  stop: () => Promise<void>,
): Promise<TestBucket> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = credentials;
  const client = new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  });
  const Bucket = `spectrolabe-test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  return {
    location: { bucket: Bucket, prefix: '', region: REGION, endpoint },
    client,
    credentials,
    async close() {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket }))
        for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }));
      await client.send(new DeleteBucketCommand({ Bucket }));
      client.destroy();
      await stop();
    },
  };
}
