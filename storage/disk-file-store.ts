import { randomUUID } from 'node:crypto';
import { constants, lstatSync, opendirSync, realpathSync, type BigIntStats } from 'node:fs';
import {
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { join, posix, relative, sep } from 'node:path';
import {
  type ArchiveFile,
  ARCHIVE_PATH,
  archivePathOf,
  archivePathOfDataDirectory,
  checkNewName,
  type FileInfo,
  FileStoreError,
  type FileStore,
  type FileStoreErrorCode,
  FIXED_DIRECTORIES,
  JOBS_PATH,
  type Listing,
  type Loan,
  MAX_ARCHIVE_PATH_BYTES,
  namesOf,
  type OpenFile,
  unlessNoFile,
} from './file-store.ts';
import { type FileHash, hashFile } from './hash-file.ts';

export interface DiskFileStoreOptions {
  /** Host directory that is `/`. */
  root: string;
  /** Host directory on the same file system as `root`, for files on their way. */
  tempDir: string;
  /** An existing archive that is `/SPECTRA`, read-only. */
  spectraDir?: string;
}

interface ArchiveDirectory {
  /** Path in the archive, no leading slash; empty for the whole archive. */
  archivePath: string;
  hostPath: string;
}

interface Located {
  /** Host path of the entry, or of the deepest directory that exists where `missing` is not empty. */
  host: string;
  /** Canonical path in the store of the whole, missing names included. */
  path: string;
  /** Trailing names that do not exist. */
  missing: string[];
}

/** A live upload touches its temporary file all the time; one this old was left by a crash. */
const STALE_TEMPORARY_MS = 3_600_000;
const TEMPORARY_SUFFIX = '.part';
const STATS_AT_ONCE = 128;
const DOWNLOAD_BLOCK_BYTES = 256 * 1024;
/** To look at so many takes some milliseconds at most, on a slow network disk too. */
const FILES_AT_ONCE = 64;
/** Non-blocking, so that a FIFO put in place between stat and open cannot hang us. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

// Node takes it and gives names as Buffers; its types know only the encodings of strings.
const BUFFER: string = 'buffer';
const AS_BYTES = BUFFER as BufferEncoding;

const CODES: Readonly<Record<string, [FileStoreErrorCode, string]>> = {
  ENOENT: ['absent', 'does not exist'],
  ELOOP: ['absent', 'is a symbolic link that leads nowhere'],
  ENOTDIR: ['not-a-directory', 'is not a directory'],
  EEXIST: ['exists', 'already exists'],
  ENOTEMPTY: ['exists', 'already exists'],
  EISDIR: ['not-a-file', 'is a directory'],
  ENAMETOOLONG: ['invalid-name', 'is too long'],
  EILSEQ: ['invalid-name', 'is not a name that this file system takes'],
  EROFS: ['read-only', 'is read-only'],
  EACCES: ['no-permission', 'may not be used by this server'],
  EPERM: ['no-permission', 'may not be used by this server'],
};

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Runs `work`; what the host's file system refuses becomes a FileStoreError about `path`. */
async function translated<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = CODES[errnoOf(error) ?? ''];
    if (!known) throw error;
    throw new FileStoreError(known[0], path, `${path} ${known[1]}`);
  }
}

/** `work`'s result, or undefined where the entry (or a directory above) does not exist. */
async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** `path` below `root`, without a leading slash; undefined where it is not below it. */
function below(root: string, path: string): string | undefined {
  const rest = relative(root, path);
  return rest === '..' || rest.startsWith(`..${sep}`) || rest.startsWith(sep) ? undefined : rest;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function clipPath(path: string): string {
  return Buffer.byteLength(path) <= MAX_ARCHIVE_PATH_BYTES
    ? path
    : `${Buffer.from(path)
        .subarray(0, MAX_ARCHIVE_PATH_BYTES - 6)
        .toString()
        .replace(/\ufffd$/u, '')}…`;
}

/**
 * Opens the users' file store on a disk: a tree whose `/` is `root`. Nothing in it reaches outside, symbolic links included: a link that leads out counts as absent when something
 * is read or written through it, and deleting a link deletes the link.
 * @throws Error where the directories cannot serve as a store
 */
export async function createDiskFileStore(options: DiskFileStoreOptions): Promise<FileStore> {
  await mkdir(options.root, { recursive: true });
  await mkdir(options.tempDir, { recursive: true });
  const root = await realpath(options.root);
  const tempDir = await realpath(options.tempDir);
  for (const path of [ARCHIVE_PATH, JOBS_PATH]) {
    const host = join(root, path);
    await mkdir(host, { recursive: true });
    if ((await realpath(host)) !== host)
      throw new Error(`${host} is a symbolic link; an archive that lies elsewhere is given with --spectra`);
  }
  if ((await stat(root)).dev !== (await stat(tempDir)).dev)
    throw new Error(`${tempDir} must be on the same file system as ${root}, or no upload could be atomic`);
  let mount: string | undefined;
  if (options.spectraDir !== undefined) {
    mount = await realpath(options.spectraDir);
    if (!(await stat(mount)).isDirectory()) throw new Error(`${options.spectraDir} is not a directory`);
    if (below(mount, root) !== undefined || below(root, mount) !== undefined)
      throw new Error(`the archive ${mount} and the file store ${root} must not lie in each other`);
  }
  for (const name of await readdir(tempDir)) {
    if (!name.endsWith(TEMPORARY_SUFFIX)) continue;
    const found = await unlessAbsent(lstat(join(tempDir, name)));
    if (found?.isFile() && Date.now() - found.mtimeMs > STALE_TEMPORARY_MS)
      await rm(join(tempDir, name), { force: true });
  }
  return new DiskFileStore(root, tempDir, mount);
}

/** See createDiskFileStore. */
class DiskFileStore implements FileStore {
  readonly archive: { directory: string };
  readonly archiveReadOnly: boolean;
  readonly #root: string;
  readonly #tempDir: string;
  readonly #mount: string | undefined;

  constructor(root: string, tempDir: string, mount: string | undefined) {
    this.#root = root;
    this.#tempDir = tempDir;
    this.#mount = mount;
    this.archive = { directory: mount ?? join(root, ARCHIVE_PATH) };
    this.archiveReadOnly = mount !== undefined;
  }

  async room(): Promise<{ totalBytes: number; freeBytes: number }> {
    const { bsize, blocks, bavail } = await statfs(this.#root);
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
  }

  async check(): Promise<void> {
    await this.#resolveDirectory('/');
    const probe = join(this.#tempDir, `${randomUUID()}${TEMPORARY_SUFFIX}`);
    try {
      await writeFile(probe, 'probe');
    } finally {
      await rm(probe, { force: true });
    }
  }

  async resolveArchiveDirectory(dataDirPath: string): Promise<string> {
    return (await this.#archiveDirectory(dataDirPath)).archivePath;
  }

  async stat(path: string): Promise<FileInfo> {
    const located = await this.#existing(path);
    const found = await this.#regular(located, path);
    return {
      path: located.path,
      filename: posix.basename(located.path),
      size: found.size,
      modifiedAt: found.mtime,
    };
  }

  find(path: string): Promise<FileInfo | undefined> {
    return unlessNoFile(this.stat(path));
  }

  async statArchiveFile(archivePath: string): Promise<FileInfo> {
    const info = await this.stat(`${ARCHIVE_PATH}/${archivePath}`);
    const canonical = archivePathOf(info.path);
    if (canonical === undefined)
      throw new FileStoreError('outside', archivePath, `${archivePath} leads out of the archive`);
    return { ...info, path: canonical };
  }

  async openForDownload(path: string): Promise<OpenFile> {
    const located = await this.#existing(path);
    await this.#regular(located, path);
    const handle = await translated(path, () => open(located.host, READ_FLAGS));
    try {
      const found: BigIntStats = await handle.stat({ bigint: true });
      if (!found.isFile()) throw new FileStoreError('not-a-file', path, `${path} is not a regular file`);
      return {
        path: located.path,
        filename: posix.basename(path),
        size: Number(found.size),
        modifiedAt: found.mtime,
        etag: `"${found.size.toString(16)}-${found.mtimeNs.toString(16)}-${found.ino.toString(16)}"`,
        read: (range) => handle.createReadStream({ ...range, highWaterMark: DOWNLOAD_BLOCK_BYTES }),
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async readFile(path: string, { maxBytes }: { maxBytes: number }): Promise<Buffer> {
    const located = await this.#existing(path);
    await this.#regular(located, path);
    const handle = await translated(path, () => open(located.host, READ_FLAGS));
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new FileStoreError('not-a-file', path, `${path} is not a regular file`);
      if (found.size > maxBytes)
        throw new FileStoreError('too-large', path, `${path} has more than ${maxBytes} bytes`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async lend(path: string): Promise<Loan> {
    return { hostPath: await this.#resolveFile(path), release: () => Promise.resolve() };
  }

  async lendDirectory(path: string): Promise<Loan> {
    return { hostPath: await this.#resolveDirectory(path), release: () => Promise.resolve() };
  }

  async hash(path: string, signal?: AbortSignal): Promise<FileHash> {
    return hashFile(await this.#resolveFile(path), signal);
  }

  async writeFile(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    { sync = true }: { sync?: boolean } = {},
  ): Promise<FileInfo> {
    // What can be refused is refused before the body is taken.
    await this.#newFilePlace(path);
    const temporary = join(this.#tempDir, `${randomUUID()}${TEMPORARY_SUFFIX}`);
    const handle = await open(temporary, 'wx', 0o644);
    try {
      let info;
      try {
        const chunks = content instanceof Uint8Array ? [content] : content;
        for await (const chunk of chunks) await handle.writeFile(chunk);
        if (sync) await handle.sync();
        info = await handle.stat();
      } finally {
        await handle.close();
      }
      const { path: canonical, directory } = await this.#moveTo(path, temporary);
      if (sync) await syncDirectory(directory);
      return {
        path: canonical,
        filename: posix.basename(canonical),
        size: info.size,
        modifiedAt: info.mtime,
      };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async placeFile(hostPath: string, path: string): Promise<void> {
    await this.#moveTo(path, hostPath);
  }

  async placeDirectory(hostPath: string, path: string): Promise<void> {
    await this.remove(path);
    await this.#moveTo(path, hostPath);
  }

  async copyFile(from: string, to: string): Promise<void> {
    const source = await this.#resolveFile(from);
    const beside = join(this.#tempDir, `${randomUUID()}${TEMPORARY_SUFFIX}`);
    // A second name costs nothing; some file systems have none.
    await link(source, beside).catch(() => copyFile(source, beside));
    try {
      // Of two names of one file the second is not renamed over the first: POSIX wants both left.
      await this.#moveTo(to, beside);
    } finally {
      await rm(beside, { force: true });
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const located = await this.#locate(path);
    if (located.missing.length > 0) await this.#makeDirectories(located, path);
    else await this.#resolveDirectory(path);
  }

  async createDirectory(path: string): Promise<void> {
    const located = await this.#locate(path, { followLast: false });
    if (located.missing.length === 0)
      throw new FileStoreError('exists', path, `${located.path} already exists`);
    await this.#makeDirectories(located, path);
  }

  async list(path: string): Promise<Listing> {
    const host = await this.#resolveDirectory(path);
    const { path: canonical } = await this.#locate(path);
    const names = (await translated(path, () => readdir(host))).sort();
    const listing: Listing = {
      path: canonical,
      readOnly: this.#isReadOnly(canonical),
      files: [],
      directories: [],
    };
    for (let start = 0; start < names.length; start += STATS_AT_ONCE) {
      const part = names.slice(start, start + STATS_AT_ONCE);
      const found = await Promise.all(part.map((name) => this.#listed(canonical, host, name)));
      found.forEach((stats, index) => {
        const filename = part[index];
        if (!stats || filename === undefined) return;
        if (stats.isDirectory()) listing.directories.push(filename);
        else if (stats.isFile()) listing.files.push({ filename, size: stats.size, modifiedAt: stats.mtime });
      });
    }
    return listing;
  }

  async listBelow(path: string): Promise<string[]> {
    const host = await this.#resolveDirectory(path);
    const entries = await translated(path, () => readdir(host, { recursive: true, withFileTypes: true }));
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(host.length + 1))
      .sort();
  }

  async remove(path: string): Promise<void> {
    try {
      const located = await this.#removable(path);
      await translated(path, () => rm(located.host, { recursive: true }));
    } catch (error) {
      if (!(error instanceof FileStoreError && error.code === 'absent')) throw error;
    }
  }

  /** A link goes, never what it leads to. */
  async removeFile(path: string): Promise<string> {
    const located = await this.#removable(path);
    if ((await translated(path, () => lstat(located.host))).isDirectory())
      throw new FileStoreError('not-a-file', path, `${path} is a directory`);
    await translated(path, () => unlink(located.host));
    return located.path;
  }

  /** No link is followed; a link to a directory goes, the directory stays. */
  async removeDirectory(path: string): Promise<string> {
    const located = await this.#removable(path);
    const found = await translated(path, () => lstat(located.host));
    if (found.isSymbolicLink()) {
      await this.#resolveDirectory(path);
      await translated(path, () => unlink(located.host));
    } else if (found.isDirectory()) {
      await translated(path, () => rm(located.host, { recursive: true }));
    } else throw new FileStoreError('not-a-directory', path, `${path} is not a directory`);
    return located.path;
  }

  /** Links above it resolved, itself not. */
  async canonicalPath(path: string): Promise<string> {
    return (await this.#locate(path, { followLast: false })).path;
  }

  /** Holds one directory's names a level, no more. */
  async *walkArchive(
    dataDirPath: string,
    { recursive = true }: { recursive?: boolean } = {},
  ): AsyncGenerator<ArchiveFile[]> {
    const { archivePath, hostPath } = await this.#archiveDirectory(dataDirPath);
    yield* this.#walk(hostPath, archivePath === '' ? '' : `${archivePath}/`, recursive);
  }

  async *#walk(hostPath: string, prefix: string, recursive: boolean): AsyncGenerator<ArchiveFile[]> {
    // Names as latin1: one character a byte, so that the default sort is byte order, at a byte a character.
    const names: string[] = [];
    const notUtf8 = new Set<string>();
    try {
      // Read in line, as the files are looked at below.
      const directory = opendirSync(hostPath, { encoding: AS_BYTES, bufferSize: 1024 });
      try {
        for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
          const bytes: unknown = entry.name;
          if (!Buffer.isBuffer(bytes)) throw new TypeError('opendir gave a name that is not bytes');
          let key = bytes.toString('latin1');
          if (decodeName(bytes) === undefined) {
            key = key.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
            notUtf8.add(key);
          }
          // A directory's paths go on with a slash: `a-b` and `a.b` come before `a/b`.
          names.push(entry.isDirectory() && !notUtf8.has(key) ? `${key}/` : key);
          if (names.length % 1024 === 0) await setImmediate();
        }
      } finally {
        directory.closeSync();
      }
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      const path = clipPath(prefix.slice(0, -1));
      yield [{ path, size: 0, mtimeMs: 0, problem: `directory cannot be read (${errnoOf(error)})` }];
      return;
    }
    names.sort();
    let files: ArchiveFile[] = [];
    for (const key of names) {
      // Looked at in line: asking the thread pool for each costs ten times as much.
      const file = this.#entry(hostPath, prefix, key, notUtf8.has(key));
      if ('directory' in file) {
        if (!recursive) continue;
        if (files.length > 0) yield files;
        files = [];
        yield* this.#walk(file.directory, `${file.path}/`, recursive);
      } else if (files.push(file) === FILES_AT_ONCE) {
        yield files;
        files = [];
        // The event loop gets its turn.
        await setImmediate();
      }
    }
    if (files.length > 0) yield files;
  }

  /** What a name of #walk stands for: a directory to go into, or a file. */
  #entry(
    hostPath: string,
    prefix: string,
    key: string,
    isNotUtf8: boolean,
  ): ArchiveFile | { directory: string; path: string } {
    if (isNotUtf8)
      return { path: clipPath(prefix + key), size: 0, mtimeMs: 0, problem: 'name is not valid UTF-8' };
    const isDirectory = key.endsWith('/');
    const name = Buffer.from(isDirectory ? key.slice(0, -1) : key, 'latin1').toString();
    const path = prefix + name;
    if (Buffer.byteLength(path) > MAX_ARCHIVE_PATH_BYTES)
      return {
        path: clipPath(path),
        size: 0,
        mtimeMs: 0,
        problem: `path is longer than ${MAX_ARCHIVE_PATH_BYTES} bytes`,
      };
    const host = `${hostPath}/${name}`;
    return isDirectory ? { directory: host, path } : this.#archiveFile(host, path);
  }

  #archiveFile(host: string, path: string): ArchiveFile {
    const problem = (text: string): ArchiveFile => ({ path, size: 0, mtimeMs: 0, problem: text });
    try {
      let found = lstatSync(host);
      if (found.isSymbolicLink()) {
        const target = realpathSync(host);
        if (below(this.archive.directory, target) === undefined)
          return problem('symbolic link out of the archive');
        found = lstatSync(target);
        if (found.isDirectory()) return problem('symbolic link to a directory');
      }
      if (!found.isFile()) return problem('not a regular file');
      return { path, size: found.size, mtimeMs: Math.round(found.mtimeMs) };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ELOOP') return problem('symbolic link that leads nowhere');
      if (errno === undefined) throw error;
      return problem(`file cannot be looked at (${errno})`);
    }
  }

  /** Walks a path name by name, so that no link is followed before its target was checked. */
  async #locate(path: string, { followLast = true } = {}): Promise<Located> {
    const names = namesOf(path);
    let host = this.#root;
    for (const [index, name] of names.entries()) {
      const atMount = this.#mount !== undefined && host === this.#root && `/${name}` === ARCHIVE_PATH;
      let next = atMount ? this.archive.directory : join(host, name);
      const found = await translated(path, () => unlessAbsent(lstat(next)));
      const isLast = index === names.length - 1;
      if (!found) {
        const missing = names.slice(index);
        return { host, path: posix.join(this.#canonical(host, path), ...missing), missing };
      }
      if (found.isSymbolicLink() && !(isLast && !followLast)) {
        next = await translated(path, () => realpath(next));
        this.#canonical(next, path);
      } else if (!isLast && !found.isDirectory()) {
        throw new FileStoreError('not-a-directory', path, `${name} in ${path} is not a directory`);
      }
      host = next;
    }
    return { host, path: this.#canonical(host, path), missing: [] };
  }

  async #resolveDirectory(path: string): Promise<string> {
    const located = await this.#existing(path);
    if (!(await translated(path, () => lstat(located.host))).isDirectory())
      throw new FileStoreError('not-a-directory', path, `${path} is not a directory`);
    return located.host;
  }

  async #resolveFile(path: string): Promise<string> {
    const located = await this.#existing(path);
    await this.#regular(located, path);
    return located.host;
  }

  async #archiveDirectory(dataDirPath: string): Promise<ArchiveDirectory> {
    namesOf(dataDirPath);
    const located = await this.#existing(`${ARCHIVE_PATH}/${archivePathOfDataDirectory(dataDirPath)}`);
    const archivePath = archivePathOf(located.path);
    if (archivePath === undefined)
      throw new FileStoreError('outside', dataDirPath, `${dataDirPath} leads out of the archive`);
    if (!(await translated(dataDirPath, () => lstat(located.host))).isDirectory())
      throw new FileStoreError('not-a-directory', dataDirPath, `${dataDirPath} is not a directory`);
    return { archivePath, hostPath: located.host };
  }

  /** Renames what is written beside to its place. */
  async #moveTo(path: string, beside: string): Promise<{ path: string; directory: string }> {
    const place = await this.#newFilePlace(path);
    const directory = await this.#makeDirectories(place.parent, path);
    const target = join(directory, posix.basename(place.path));
    await translated(path, () => rename(beside, target));
    return { path: place.path, directory };
  }

  async #existing(path: string): Promise<Located> {
    const located = await this.#locate(path);
    if (located.missing.length > 0) throw new FileStoreError('absent', path, `${path} does not exist`);
    return located;
  }

  async #regular(located: Located, path: string) {
    const found = await translated(path, () => lstat(located.host));
    if (!found.isFile())
      throw new FileStoreError(
        'not-a-file',
        path,
        found.isDirectory() ? `${path} is a directory` : `${path} is not a regular file`,
      );
    return found;
  }

  /** Where a new file goes: its canonical path and its parent, which may be missing. */
  async #newFilePlace(path: string): Promise<{ path: string; parent: Located }> {
    const located = await this.#locate(path, { followLast: false });
    this.#checkWritable(located.path);
    const isAbsent = located.missing.length > 0;
    if (!isAbsent && (await translated(path, () => lstat(located.host))).isDirectory())
      throw new FileStoreError('exists', path, `${path} is a directory`);
    checkNewName(located.path);
    return {
      path: located.path,
      parent: await this.#locate(posix.dirname(posix.join('/', ...namesOf(path)))),
    };
  }

  async #removable(path: string): Promise<Located> {
    const located = await this.#locate(path, { followLast: false });
    if (located.missing.length > 0) throw new FileStoreError('absent', path, `${path} does not exist`);
    if (FIXED_DIRECTORIES.includes(located.path))
      throw new FileStoreError('in-use', path, `${located.path} cannot be deleted`);
    this.#checkWritable(located.path);
    return located;
  }

  /** Makes the missing names below a located directory. Returns the host path of the last. */
  async #makeDirectories(located: Located, path: string): Promise<string> {
    if (located.missing.length === 0) {
      if (!(await translated(path, () => lstat(located.host))).isDirectory())
        throw new FileStoreError('not-a-directory', path, `${located.path} is not a directory`);
      return located.host;
    }
    this.#checkWritable(located.path);
    for (const index of located.missing.keys())
      checkNewName(posix.join(this.#canonical(located.host, path), ...located.missing.slice(0, index + 1)));
    let host = located.host;
    for (const name of located.missing) {
      const parent = host;
      host = join(parent, name);
      await translated(path, async () => {
        try {
          await mkdir(host);
        } catch (error) {
          // Someone made the same directory in this moment: as good, unless it is a file or a link.
          if (errnoOf(error) !== 'EEXIST' || !(await lstat(host)).isDirectory()) throw error;
        }
      });
    }
    await syncDirectory(located.host);
    return host;
  }

  /** The store path of a host path. @throws FileStoreError outside where it has none */
  #canonical(host: string, path: string): string {
    if (this.#mount !== undefined) {
      const inArchive = below(this.#mount, host);
      if (inArchive !== undefined) return posix.join(ARCHIVE_PATH, inArchive);
    }
    const inRoot = below(this.#root, host);
    const canonical = inRoot === undefined ? undefined : posix.join('/', inRoot);
    // The directory below a mounted archive is hidden by it.
    if (canonical === undefined || (this.#mount !== undefined && archivePathOf(canonical) !== undefined))
      throw new FileStoreError('outside', path, `${path} does not exist in the file store`);
    return canonical;
  }

  #isReadOnly(canonical: string): boolean {
    return this.archiveReadOnly && archivePathOf(canonical) !== undefined;
  }

  #checkWritable(canonical: string): void {
    if (this.#isReadOnly(canonical))
      throw new FileStoreError('read-only', canonical, 'the spectra archive is read-only');
  }

  /** What a directory entry is, links resolved; undefined where it vanished or leads out. */
  async #listed(directory: string, host: string, name: string) {
    const found = await unlessAbsent(lstat(join(host, name)));
    if (!found?.isSymbolicLink()) return found;
    try {
      return await lstat((await this.#existing(posix.join(directory, name))).host);
    } catch (error) {
      if (error instanceof FileStoreError) return undefined;
      throw error;
    }
  }
}

/** Makes a rename survive a power cut. */
async function syncDirectory(hostPath: string): Promise<void> {
  const handle = await open(hostPath, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
