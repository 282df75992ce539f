import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { tarEnd, tarHeader, tarPadding } from './tar.ts';

const READ_BYTES = 1 << 20;

/** Something that goes into a bundle: a file, or a directory with all that is below it. */
export interface BundleSource {
  /** Name in the bundle, with `/` between folders. */
  name: string;
  path: string;
  description?: string;
}

interface DescribedFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** What a campaign worked on and what is too large to go along: told by its fingerprint. */
export interface BundleInput extends DescribedFile {
  /** `pool`, `training data`, … */
  role: string;
}

/** `manifest.json` of a bundle. */
export interface BundleManifest {
  job_id: string;
  /** Name and version. */
  software: string;
  /** `linux x64, Node 22.12.0, TensorFlow …`: equal numbers are promised on equal ones. */
  platform: string;
  inputs: BundleInput[];
  files: (DescribedFile & { description?: string })[];
}

/**
 * Packs what a campaign can be repeated and checked with into one archive (tar, gzip): `NAME/manifest.json`,
 * `NAME/SHA256SUMS` (for `sha256sum -c`) and the sources, in their order, directories by name. Reads each file twice;
 * memory does not grow with them. Equal files give equal bytes with the same version of Node.
 * @param path of the archive, to be renamed once it is whole
 * @param bundle.name of the folder that it unpacks to
 * @throws Error where a file changes meanwhile; RangeError where a name is too long for tar, or occurs twice; the file
 * system's error where a source is not there
 */
export async function writeBundle(
  path: string,
  bundle: { name: string; sources: readonly BundleSource[] } & Omit<BundleManifest, 'files'>,
): Promise<BundleManifest> {
  const { name, sources, ...about } = bundle;
  const files: (BundleSource & DescribedFile & { name: string })[] = [];
  for (const source of sources)
    for await (const file of filesOf(source)) files.push({ ...file, ...(await hash(file.path)) });
  const names = new Set(OWN_FILES);
  for (const file of files) {
    if (names.has(file.name)) throw new RangeError(`${file.name} is in the bundle twice`);
    names.add(file.name);
  }
  const manifest: BundleManifest = {
    ...about,
    files: files.map(({ name: file, bytes, sha256, description }) => ({
      path: file,
      bytes,
      sha256,
      ...(description === undefined ? {} : { description }),
    })),
  };
  const manifestText = `${JSON.stringify(manifest, null, 2)}\n`;
  const sums = [
    { name: 'manifest.json', sha256: createHash('sha256').update(manifestText).digest('hex') },
    ...files,
  ];

  async function* archive(): AsyncGenerator<Uint8Array> {
    yield* packed(`${name}/manifest.json`, Buffer.from(manifestText));
    yield* packed(
      `${name}/SHA256SUMS`,
      Buffer.from(sums.map(({ sha256, name: file }) => `${sha256}  ${file}\n`).join('')),
    );
    for (const file of files) {
      yield tarHeader(`${name}/${file.name}`, file.bytes);
      yield* unchanged(file);
      yield tarPadding(file.bytes);
    }
    yield tarEnd();
  }
  await pipeline(Readable.from(archive(), { objectMode: false }), createGzip(), createWriteStream(path));
  return manifest;
}

const OWN_FILES = ['manifest.json', 'SHA256SUMS'];

/** @throws Error where there is something that is neither file nor directory */
async function* filesOf(source: BundleSource): AsyncGenerator<BundleSource> {
  const found = await stat(source.path);
  if (found.isFile()) yield source;
  else if (found.isDirectory())
    // By code units, not by a language: the same order on every machine.
    for (const entry of (await readdir(source.path)).sort())
      yield* filesOf({ ...source, name: `${source.name}/${entry}`, path: join(source.path, entry) });
  else throw new Error(`${source.path} is neither a file nor a directory`);
}

async function hash(path: string): Promise<{ bytes: number; sha256: string }> {
  const sum = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunksOf(path)) {
    sum.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: sum.digest('hex') };
}

/** The bytes of a file as they were when it was described. @throws Error where they are no longer the same */
async function* unchanged(file: BundleSource & DescribedFile): AsyncGenerator<Uint8Array> {
  const sum = createHash('sha256');
  for await (const chunk of chunksOf(file.path)) {
    sum.update(chunk);
    yield chunk;
  }
  if (sum.digest('hex') !== file.sha256) throw new Error(`${file.name} changed while it was packed`);
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }))
    if (chunk instanceof Uint8Array) yield chunk;
}

async function* packed(name: string, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield tarHeader(name, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}
