import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { S3Location } from '../contracts/storage-location.ts';
import {
  type ArchiveFile,
  ARCHIVE_PATH,
  archivePathOf,
  archivePathOfDataDirectory,
  checkNewName,
  type FileInfo,
  FileStoreError,
  type FileStore,
  FIXED_DIRECTORIES,
  type Listing,
  type Loan,
  namesOf,
  type OpenFile,
  unlessNoFile,
} from './file-store.ts';
import { type FileHash, hashBytes, hashFile } from './hash-file.ts';
import { createLocalCache, type LocalCache, type RemoteBytes } from './local-cache.ts';
import {
  type BucketObject,
  KeyNotFound,
  type ObjectHead,
  ObjectReplaced,
  ObjectTooLarge,
  openBucket,
  type S3Bucket,
} from './s3-bucket.ts';

export interface S3FileStoreOptions {
  /** What is `/`. */
  files: S3Location;
  /** An existing archive that is `/SPECTRA`, read-only. */
  spectra?: S3Location;
  /** Host directory of this process or of several of one machine: copies, and what is lent. */
  tempDir: string;
  /** Copies of more bytes than this are not kept. */
  cacheBytes: number;
  /** Where clients reach the server, to fetch large files from it themselves. */
  downloadEndpoint?: string;
}

/** S3 takes no longer key [bytes of UTF-8]. */
const MAX_KEY_BYTES = 1024;
/** How long a download may begin that was sent to the server itself. */
const DOWNLOAD_SECONDS = 3600;
/** Smaller files are not worth a second request; scripts of our pages read them, which the bucket need not allow. */
const LEAST_REDIRECTED_BYTES = 16 * 1024 * 1024;
const FILES_AT_ONCE = 8;
const REPLACED_ATTEMPTS = 5;
/** What was lent so long ago was left by a crash. */
const STALE_LOAN_MS = 7 * 24 * 3_600_000;

/** Where a path lies. */
interface Place {
  bucket: S3Bucket;
  key: string;
  /** Canonical, in the store. */
  path: string;
}

/**
 * Opens the users' file store on S3: `/a/b` is the object `a/b` below the prefix, so that any S3 program shows the same tree.
 * A directory is what keys have in common; one that is empty, or has become so, is an object `name/` of no bytes.
 * @throws Error where the bucket cannot be read
 */
export async function createS3FileStore(options: S3FileStoreOptions): Promise<FileStore> {
  const { tempDir, cacheBytes } = options;
  const loans = join(tempDir, 'lent');
  await mkdir(loans, { recursive: true });
  for (const name of await readdir(loans)) {
    const path = join(loans, name);
    if (Date.now() - (await stat(path)).mtimeMs > STALE_LOAN_MS) await rm(path, { recursive: true });
  }
  const cache = createLocalCache({ directory: join(tempDir, 'cache'), maxBytes: cacheBytes });
  const store = new S3FileStore(options, cache, loans);
  await store.check();
  return store;
}

/** See createS3FileStore. */
class S3FileStore implements FileStore {
  readonly archive: S3Location;
  readonly archiveReadOnly: boolean;
  readonly #files: S3Bucket;
  readonly #spectra: S3Bucket | undefined;
  readonly #longestKey: number;
  readonly #downloadEndpoint: string | undefined;
  readonly #cache: LocalCache;
  readonly #loans: string;
  /** Says which bytes an ETag is of. */
  readonly #name: string;

  constructor({ files, spectra, downloadEndpoint }: S3FileStoreOptions, cache: LocalCache, loans: string) {
    this.#files = openBucket(files);
    this.#spectra = spectra && openBucket(spectra);
    const inFiles = posix.join(files.prefix, ARCHIVE_PATH.slice(1));
    this.archive = spectra ?? { ...files, prefix: inFiles };
    this.archiveReadOnly = spectra !== undefined;
    this.#longestKey = MAX_KEY_BYTES - Buffer.byteLength(`${files.prefix}/`);
    this.#downloadEndpoint = downloadEndpoint;
    this.#cache = cache;
    this.#loans = loans;
    this.#name = JSON.stringify([files, spectra]);
  }

  room(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async check(): Promise<void> {
    for (const bucket of [this.#files, this.#spectra]) if (bucket) await holdsAny(bucket, '');
  }

  async stat(path: string): Promise<FileInfo> {
    const place = this.#placeOf(path);
    return infoOf(place, await this.#head(place));
  }

  find(path: string): Promise<FileInfo | undefined> {
    return unlessNoFile(this.stat(path));
  }

  async statArchiveFile(archivePath: string): Promise<FileInfo> {
    const info = await this.stat(`${ARCHIVE_PATH}/${archivePath}`);
    return { ...info, path: archivePathOf(info.path) ?? '' };
  }

  async resolveArchiveDirectory(dataDirPath: string): Promise<string> {
    namesOf(dataDirPath);
    const archivePath = archivePathOfDataDirectory(dataDirPath);
    await this.#directory(this.#placeOf(`${ARCHIVE_PATH}/${archivePath}`));
    return archivePath;
  }

  async list(path: string): Promise<Listing> {
    const place = this.#placeOf(path);
    await this.#directory(place);
    const start = directoryKey(place.key);
    const listing: Listing = {
      path: place.path,
      readOnly: this.#isReadOnly(place.path),
      files: [],
      directories: [],
    };
    const nameOf = (key: string) => key.slice(start.length).replace(/\/$/, '');
    for await (const { objects, prefixes } of place.bucket.pages(start, { delimiter: '/' })) {
      for (const { key, bytes, writtenAt } of objects)
        if (isName(nameOf(key)))
          listing.files.push({ filename: nameOf(key), size: bytes, modifiedAt: writtenAt });
      listing.directories.push(...prefixes.map(nameOf).filter(isName));
    }
    // Whether or not there is anything in them.
    const below = place.path === '/' ? FIXED_DIRECTORIES.slice(1).map((name) => name.slice(1)) : [];
    listing.directories = [...new Set([...listing.directories, ...below])].sort();
    listing.files.sort((a, b) => (a.filename < b.filename ? -1 : 1));
    return listing;
  }

  async listBelow(path: string): Promise<string[]> {
    const place = this.#placeOf(path);
    await this.#directory(place);
    const names: string[] = [];
    for await (const { key } of filesBelow(place)) names.push(key);
    return names.sort();
  }

  async *walkArchive(
    dataDirPath: string,
    { recursive = true }: { recursive?: boolean } = {},
  ): AsyncGenerator<ArchiveFile[]> {
    const archivePath = await this.resolveArchiveDirectory(dataDirPath);
    const { bucket, key } = this.#placeOf(`${ARCHIVE_PATH}/${archivePath}`);
    // Keys below the archive's place are archive paths.
    const archiveStart = directoryKey(this.#placeOf(ARCHIVE_PATH).key);
    let last = Buffer.alloc(0);
    for await (const { objects } of bucket.pages(directoryKey(key), recursive ? {} : { delimiter: '/' })) {
      const files: ArchiveFile[] = [];
      for (const object of objects) {
        const own = Buffer.from(object.key);
        // What is made of the list, and found again in it, relies on the order that S3 promises.
        if (Buffer.compare(last, own) > 0)
          throw new Error('the S3 server does not list keys in the byte order of UTF-8');
        last = own;
        const path = object.key.slice(archiveStart.length);
        if (path === '' || path.endsWith('/')) continue;
        const file = { path, size: object.bytes, mtimeMs: object.writtenAt.getTime() };
        files.push(path.split('/').every(isName) ? file : { ...file, problem: 'is no path of an archive' });
      }
      if (files.length > 0) yield files;
    }
  }

  canonicalPath(path: string): Promise<string> {
    return Promise.resolve(this.#placeOf(path).path);
  }

  async readFile(path: string, { maxBytes }: { maxBytes: number }): Promise<Buffer> {
    const { bucket, key } = this.#fileAt(path);
    try {
      const bytes = await bucket.read(key, undefined, { maxBytes });
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    } catch (error) {
      if (error instanceof KeyNotFound) throw await this.#noFile(path);
      if (error instanceof ObjectTooLarge)
        throw new FileStoreError('too-large', path, `${path} has more than ${maxBytes} bytes`);
      throw error;
    }
  }

  async openForDownload(path: string): Promise<OpenFile> {
    const place = this.#placeOf(path);
    const found = await this.#head(place);
    const info = infoOf(place, found);
    const { etag } = found;
    const url =
      this.#downloadEndpoint === undefined || found.bytes < LEAST_REDIRECTED_BYTES
        ? undefined
        : await place.bucket.downloadUrl(place.key, {
            endpoint: this.#downloadEndpoint,
            seconds: DOWNLOAD_SECONDS,
            filename: info.filename,
          });
    return {
      ...info,
      etag,
      ...(url === undefined ? {} : { url }),
      read: ({ start, end }) =>
        Readable.from(place.bucket.stream(place.key, { start, end: end + 1 }, etag), { objectMode: false }),
      close: () => Promise.resolve(),
    };
  }

  async lend(path: string): Promise<Loan> {
    const place = this.#placeOf(path);
    return this.#lendInto(
      (directory) => this.#fetch(place, join(directory, posix.basename(place.path))),
      path,
    );
  }

  async lendDirectory(path: string): Promise<Loan> {
    const names = await this.listBelow(path);
    return this.#lendInto(async (directory) => {
      await mkdir(join(directory, posix.basename(path)));
      await each(names, async (name) => {
        const target = join(directory, posix.basename(path), name);
        await mkdir(dirname(target), { recursive: true });
        await this.#fetch(this.#placeOf(`${path}/${name}`), target);
      });
    }, path);
  }

  /** Lends what `make` puts into a directory, under its own name. */
  async #lendInto(make: (directory: string) => Promise<void>, path: string): Promise<Loan> {
    const directory = join(this.#loans, randomUUID());
    const release = () => rm(directory, { recursive: true, force: true });
    try {
      await mkdir(directory);
      await make(directory);
    } catch (error) {
      await release();
      throw error;
    }
    return { hostPath: join(directory, posix.basename(path)), release };
  }

  async hash(path: string, signal?: AbortSignal): Promise<FileHash> {
    const place = this.#placeOf(path);
    const { bytes, sha256, etag } = await this.#head(place);
    if (sha256 !== undefined) return { bytes, sha256 };
    return hashBytes(place.bucket.stream(place.key, { start: 0, end: bytes }, etag), signal);
  }

  async writeFile(path: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<FileInfo> {
    const place = await this.#newFile(path);
    const known =
      content instanceof Uint8Array ? { sha256: createHash('sha256').update(content).digest('hex') } : {};
    await place.bucket.write(place.key, content, known);
    return infoOf(place, await this.#head(place));
  }

  async placeFile(hostPath: string, path: string, known?: FileHash): Promise<void> {
    const { bucket, key } = await this.#newFile(path);
    const { bytes, sha256 } = known ?? (await hashFile(hostPath));
    await bucket.write(key, createReadStream(hostPath, { highWaterMark: 1 << 20 }), { sha256 });
    // Whoever made it may be the next to read it.
    await this.#cache.adopt({ id: sha256, bytes }, hostPath);
  }

  async placeDirectory(hostPath: string, path: string): Promise<void> {
    const entries = await readdir(hostPath, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(hostPath, join(entry.parentPath, entry.name)).split(sep).join('/'));
    await each(names, (name) => this.placeFile(join(hostPath, name), `${path}/${name}`));
    await rm(hostPath, { recursive: true });
    const place = this.#placeOf(path);
    const kept = new Set(names);
    for await (const { key } of filesBelow(place))
      if (!kept.has(key)) await place.bucket.delete(directoryKey(place.key) + key);
  }

  async copyFile(from: string, to: string): Promise<void> {
    const source = this.#fileAt(from);
    const target = await this.#newFile(to);
    try {
      if (source.bucket === target.bucket) return await target.bucket.copy(source.key, target.key);
      const head = await this.#head(source);
      const bytes = source.bucket.stream(source.key, { start: 0, end: head.bytes }, head.etag);
      await target.bucket.write(target.key, bytes, head);
    } catch (error) {
      if (error instanceof KeyNotFound) throw await this.#noFile(from);
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const place = this.#placeOf(path);
    if (await this.#isDirectory(place)) return;
    this.#checkWritable(place.path);
    await this.#checkAncestors(place.path);
    if (await place.bucket.head(place.key)) throw notDirectory(path);
    for (const [index] of namesOf(place.path).entries())
      checkNewName(
        `/${namesOf(place.path)
          .slice(0, index + 1)
          .join('/')}`,
      );
    this.#checkKey(directoryKey(place.key), path);
    await mark(place.bucket, place.key);
  }

  async createDirectory(path: string): Promise<void> {
    const place = this.#placeOf(path);
    if ((await this.#isDirectory(place)) || (await place.bucket.head(place.key)))
      throw new FileStoreError('exists', path, `${place.path} already exists`);
    await this.makeDirectory(path);
  }

  async removeFile(path: string): Promise<string> {
    const place = this.#removable(path);
    if (!(await place.bucket.head(place.key))) throw await this.#noFile(path);
    await place.bucket.delete(place.key);
    await this.#keepParent(place);
    return place.path;
  }

  async removeDirectory(path: string): Promise<string> {
    const place = this.#removable(path);
    await this.#directory(place);
    await place.bucket.deleteAll(directoryKey(place.key));
    await this.#keepParent(place);
    return place.path;
  }

  async remove(path: string): Promise<void> {
    const place = this.#removable(path);
    await place.bucket.delete(place.key);
    await place.bucket.deleteAll(directoryKey(place.key));
    await this.#keepParent(place);
  }

  #placeOf(path: string): Place {
    const canonical = `/${namesOf(path).join('/')}`;
    const archivePath = this.#spectra && archivePathOf(canonical);
    return this.#spectra && archivePath !== undefined
      ? { bucket: this.#spectra, key: archivePath, path: canonical }
      : { bucket: this.#files, key: canonical.slice(1), path: canonical };
  }

  /** As #placeOf, where a directory cannot be meant: `/` has no key. */
  #fileAt(path: string): Place {
    const place = this.#placeOf(path);
    if (place.key === '') throw notFile(path);
    return place;
  }

  async #head(place: Place): Promise<ObjectHead> {
    const found = place.key === '' ? undefined : await place.bucket.head(place.key);
    if (!found) throw await this.#noFile(place.path);
    return found;
  }

  /** Why there is no file at a path. */
  async #noFile(path: string): Promise<FileStoreError> {
    return (await this.#isDirectory(this.#placeOf(path))) ? notFile(path) : absent(path);
  }

  async #isDirectory({ bucket, key, path }: Place): Promise<boolean> {
    return FIXED_DIRECTORIES.includes(path) || holdsAny(bucket, directoryKey(key));
  }

  /** @throws FileStoreError where the place is no directory */
  async #directory(place: Place): Promise<void> {
    if (await this.#isDirectory(place)) return;
    throw (await place.bucket.head(place.key)) ? notDirectory(place.path) : absent(place.path);
  }

  /** Where a new file goes; what can be refused is refused before its bytes are taken. */
  async #newFile(path: string): Promise<Place> {
    const place = this.#placeOf(path);
    this.#checkWritable(place.path);
    checkNewName(place.path);
    this.#checkKey(place.key, path);
    const [isDirectory] = await Promise.all([this.#isDirectory(place), this.#checkAncestors(place.path)]);
    if (isDirectory) throw new FileStoreError('exists', path, `${path} is a directory`);
    return place;
  }

  /** @throws FileStoreError not-a-directory where a file is in a directory's place */
  async #checkAncestors(path: string): Promise<void> {
    const names = namesOf(path);
    await Promise.all(
      names.slice(1).map(async (_, index) => {
        const above = this.#placeOf(`/${names.slice(0, index + 1).join('/')}`);
        if (!FIXED_DIRECTORIES.includes(above.path) && (await above.bucket.head(above.key)))
          throw notDirectory(above.path);
      }),
    );
  }

  #checkKey(key: string, path: string): void {
    if (Buffer.byteLength(key) > this.#longestKey)
      throw new FileStoreError('invalid-name', path, `${path} is longer than ${this.#longestKey} bytes`);
  }

  #isReadOnly(path: string): boolean {
    return this.archiveReadOnly && archivePathOf(path) !== undefined;
  }

  #checkWritable(path: string): void {
    if (this.#isReadOnly(path))
      throw new FileStoreError('read-only', path, 'the spectra archive is read-only');
  }

  #removable(path: string): Place {
    const place = this.#placeOf(path);
    if (FIXED_DIRECTORIES.includes(place.path))
      throw new FileStoreError('in-use', path, `${place.path} cannot be deleted`);
    this.#checkWritable(place.path);
    return place;
  }

  /** A directory stays where its last entry goes. */
  async #keepParent({ path }: Place): Promise<void> {
    const parent = this.#placeOf(posix.dirname(path));
    if (!FIXED_DIRECTORIES.includes(parent.path) && !(await this.#isDirectory(parent)))
      await mark(parent.bucket, parent.key);
  }

  /** Makes a host file of an object. */
  async #fetch(place: Place, target: string): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        await this.#cache.link(this.#remote(place, await this.#head(place)), target);
        return;
      } catch (error) {
        if (!(error instanceof ObjectReplaced || error instanceof KeyNotFound)) throw error;
        if (attempt === REPLACED_ATTEMPTS) throw error;
      }
  }

  #remote({ bucket, key, path }: Place, { bytes, etag, sha256 }: ObjectHead): RemoteBytes {
    const named = () => createHash('sha256').update([this.#name, path, etag].join('\n')).digest('hex');
    return {
      id: sha256 ?? named(),
      bytes,
      ...(sha256 === undefined ? {} : { sha256 }),
      read: (range) => bucket.read(key, range, { etag }),
    };
  }
}

const absent = (path: string) => new FileStoreError('absent', path, `${path} does not exist`);
const notFile = (path: string) => new FileStoreError('not-a-file', path, `${path} is a directory`);
const notDirectory = (path: string) =>
  new FileStoreError('not-a-directory', path, `${path} is not a directory`);

/** What all keys below a directory begin with. */
const directoryKey = (key: string): string => (key === '' ? '' : `${key}/`);

/** Other programs may write keys that no path names. */
const isName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !name.includes('\0');

function infoOf({ path }: Place, { bytes, writtenAt }: ObjectHead): FileInfo {
  return { path, filename: posix.basename(path), size: bytes, modifiedAt: writtenAt };
}

async function holdsAny(bucket: S3Bucket, start: string): Promise<boolean> {
  for await (const { objects } of bucket.pages(start, { most: 1 })) return objects.length > 0;
  return false;
}

/** Makes a directory that has no entries. */
async function mark(bucket: S3Bucket, key: string): Promise<void> {
  await bucket.write(directoryKey(key), new Uint8Array(0));
}

/** The objects below a place, by their keys from there. */
async function* filesBelow({ bucket, key }: Place): AsyncGenerator<BucketObject> {
  const start = directoryKey(key);
  for await (const { objects } of bucket.pages(start))
    for (const object of objects)
      if (!object.key.endsWith('/')) yield { ...object, key: object.key.slice(start.length) };
}

/** Does some at a time; all have ended when this does. */
async function each<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < all.length; i += FILES_AT_ONCE) {
    const done = await Promise.allSettled(all.slice(i, i + FILES_AT_ONCE).map(work));
    for (const one of done) if (one.status === 'rejected') throw one.reason;
  }
}
