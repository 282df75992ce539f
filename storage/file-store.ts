import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { FileName } from '../contracts/file.ts';
import type { StorageLocation } from '../contracts/storage-location.ts';
import type { FileHash } from './hash-file.ts';

export type FileStoreErrorCode =
  | 'absent'
  | 'exists'
  | 'invalid-name'
  | 'outside'
  | 'read-only'
  | 'no-permission'
  | 'not-a-directory'
  | 'not-a-file'
  | 'too-large'
  | 'in-use';

/** What the file store cannot do; `path` is the path that was asked for, never one of the host. */
export class FileStoreError extends Error {
  override readonly name = 'FileStoreError';
  readonly code: FileStoreErrorCode;
  readonly path: string;

  constructor(code: FileStoreErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export interface FileInfo {
  /** Canonical path in the store: links resolved. */
  path: string;
  filename: string;
  size: number;
  modifiedAt: Date;
}

/** A file to be read as it is now, whatever takes its place; whoever takes it reads it once, or closes it. */
export interface OpenFile extends FileInfo {
  /** Strong: the same tag means the same bytes. */
  etag: string;
  /** Where whoever has this address can fetch the file instead, for a while; saved as `filename`. */
  url?: string;
  /** The bytes from `start` to `end`, both inclusive; the file is closed with the stream. */
  read(range: { start: number; end: number }): Readable;
  close(): Promise<void>;
}

/** A file or a directory on this machine, to be read only, until it is released. */
export interface Loan {
  hostPath: string;
  release(): Promise<void>;
}

export interface Listing {
  path: string;
  readOnly: boolean;
  files: { filename: string; size: number; modifiedAt: Date }[];
  directories: string[];
}

/** One entry of the archive that is not a directory; with a `problem` it cannot be read as a spectrum. */
export interface ArchiveFile {
  /** Path in the archive, no leading slash. */
  path: string;
  size: number;
  mtimeMs: number;
  problem?: string;
}

export const ARCHIVE_PATH = '/SPECTRA';
export const JOBS_PATH = '/JOBS';
export const FIXED_DIRECTORIES = ['/', ARCHIVE_PATH, JOBS_PATH];
/** The catalogue's key is the archive path, and a PostgreSQL index entry holds 2,704 bytes. */
export const MAX_ARCHIVE_PATH_BYTES = 2000;

/**
 * The users' files: a tree of absolute paths, on a disk or on S3. `/SPECTRA` (the archive) and `/JOBS` always exist. Every
 * method throws FileStoreError.
 */
export interface FileStore {
  /** Where `/SPECTRA` lies, for threads that read thousands of its files. */
  readonly archive: StorageLocation;
  readonly archiveReadOnly: boolean;
  /** Room on the disk; undefined where there is no telling. */
  room(): Promise<{ totalBytes: number; freeBytes: number } | undefined>;
  /** Whether it can be used at this moment. @throws whatever stands in the way */
  check(): Promise<void>;

  /** Size and time of a regular file. */
  stat(path: string): Promise<FileInfo>;
  /** As stat; undefined where there is no such file. */
  find(path: string): Promise<FileInfo | undefined>;
  /** As stat, for a file of the archive by its archive path; `path` of the result is the one it truly has. */
  statArchiveFile(archivePath: string): Promise<FileInfo>;
  /**
   * The archive path of the directory that a `data_dir_path` names: `/X` and `/SPECTRA/X` are directory X of the archive,
   * `/` and `/SPECTRA` the whole. @throws FileStoreError absent, not-a-directory, outside, invalid-name
   */
  resolveArchiveDirectory(dataDirPath: string): Promise<string>;
  /** Files and directories of a directory, each sorted by name. What is neither is left out. */
  list(path: string): Promise<Listing>;
  /** All regular files below a directory, by their paths from there, sorted. */
  listBelow(path: string): Promise<string[]>;
  /**
   * The files of an archive directory (a `data_dir_path`) in byte order of their archive path, some at a time. What is not a
   * readable regular file is yielded with its `problem`.
   * @throws FileStoreError as resolveArchiveDirectory
   */
  walkArchive(dataDirPath: string, options?: { recursive?: boolean }): AsyncGenerator<ArchiveFile[]>;
  /** The canonical path of an entry that may be deleted. */
  canonicalPath(path: string): Promise<string>;

  /** The whole of a file of at most `maxBytes`. @throws FileStoreError too-large beyond that */
  readFile(path: string, options: { maxBytes: number }): Promise<Buffer>;
  openForDownload(path: string): Promise<OpenFile>;
  /** A file as one of this machine, for what reads nothing else: itself, or a copy. */
  lend(path: string): Promise<Loan>;
  /** As lend, a directory with all that is below it. */
  lendDirectory(path: string): Promise<Loan>;
  /** Length and SHA-256 of a file. @throws what `signal` is aborted with */
  hash(path: string, signal?: AbortSignal): Promise<FileHash>;

  /**
   * Writes a file whole: a reader sees the old or the new one, and nothing is left where `content` breaks off
   * (its error is thrown on). Directories above are made. Memory does not grow with the length of an iterable, whose
   * chunks must not be filled anew.
   * @param options.sync whether it must outlive a power failure from this moment on
   */
  writeFile(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { sync?: boolean },
  ): Promise<FileInfo>;
  /**
   * Moves a file of the scratch space to its place, over any earlier one. Directories above are made.
   * @param known its length and SHA-256, where they are
   */
  placeFile(hostPath: string, path: string, known?: FileHash): Promise<void>;
  /** Moves a directory of the scratch space to its place; all that was there before goes. */
  placeDirectory(hostPath: string, path: string): Promise<void>;
  /** Shows a file under a second path too, over any earlier file. They are of the same bytes, which nobody changes. */
  copyFile(from: string, to: string): Promise<void>;
  /** Makes a directory and those above it; one that is there is as good. */
  makeDirectory(path: string): Promise<void>;
  /** Makes a directory (those above too). @throws FileStoreError exists where there is one, or a file */
  createDirectory(path: string): Promise<void>;
  /** Deletes a file. Returns its canonical path. */
  removeFile(path: string): Promise<string>;
  /** Deletes a directory with its contents. Returns its canonical path. */
  removeDirectory(path: string): Promise<string>;
  /** Deletes a file, or a directory with its contents; silent where there is neither. */
  remove(path: string): Promise<void>;
}

/** The names of a store path. @throws FileStoreError invalid-name */
export function namesOf(path: string): string[] {
  if (!path.startsWith('/')) throw new FileStoreError('invalid-name', path, `${path} does not start with /`);
  const names = path.split('/').filter((name) => name !== '');
  for (const name of names)
    if (name === '.' || name === '..' || /[\0\p{Surrogate}]/u.test(name))
      throw new FileStoreError('invalid-name', path, `${path} is not a valid path`);
  return names;
}

/** New entries get only names that every client can ask for; what is there already is read under any name. */
export function checkNewName(path: string): void {
  const name = posix.basename(path);
  const parsed = FileName.safeParse(name);
  if (!parsed.success)
    throw new FileStoreError(
      'invalid-name',
      path,
      `${name} ${parsed.error.issues[0]?.message ?? 'is not valid'}`,
    );
  if (archivePathOf(path) !== undefined && Buffer.byteLength(path) > MAX_ARCHIVE_PATH_BYTES)
    throw new FileStoreError('invalid-name', path, `${path} is longer than ${MAX_ARCHIVE_PATH_BYTES} bytes`);
}

/** The archive path of a canonical store path (`/SPECTRA/a/b` → `a/b`); undefined outside the archive. */
export function archivePathOf(path: string): string | undefined {
  if (path === ARCHIVE_PATH) return '';
  return path.startsWith(`${ARCHIVE_PATH}/`) ? path.slice(ARCHIVE_PATH.length + 1) : undefined;
}

/**
 * The archive path that a `data_dir_path` names: `/X` and `/SPECTRA/X` are both `X`; `/` is the whole, ''.
 * Only the spelling is looked at, not the disk.
 */
export function archivePathOfDataDirectory(dataDirPath: string): string {
  const path = `/${dataDirPath.split('/').filter(Boolean).join('/')}`;
  return archivePathOf(path) ?? path.slice(1);
}

/** What a file is; undefined where there is none. */
export async function unlessNoFile<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof FileStoreError && NO_FILE.includes(error.code)) return undefined;
    throw error;
  }
}

const NO_FILE: readonly FileStoreErrorCode[] = ['absent', 'outside', 'not-a-file', 'not-a-directory'];
