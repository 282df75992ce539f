import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archivePathOfDataDirectory, createFileStore, FileStoreError, type FileStore } from './file-store.ts';

let base: string;
let root: string;
let tempDir: string;
let store: FileStore;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'file store '));
  root = join(base, 'files');
  tempDir = join(base, 'tmp');
  store = await createFileStore({ root, tempDir });
});
afterEach(() => rm(base, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);
const read = async (path: string, from = store) => (await from.readFile(path, { maxBytes: 1e6 })).toString();

/** The code of the FileStoreError that `work` fails with. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FileStoreError) return error.code;
    throw error;
  }
  return 'no error';
}

async function pathsOf(dir: string, options = {}, from = store): Promise<string[]> {
  const paths = [];
  for await (const files of from.walkArchive(dir, options)) paths.push(...files.map(({ path }) => path));
  return paths;
}

describe('the tree', () => {
  it('always has SPECTRA and JOBS', async () => {
    expect((await store.list('/')).directories).toEqual(['JOBS', 'SPECTRA']);
  });

  it('writes with parents, reads, lists and deletes', async () => {
    const info = await store.writeFile('/a/b/x.txt', bytes('hello'));
    expect(info).toMatchObject({ path: '/a/b/x.txt', filename: 'x.txt', size: 5 });
    expect(await read('/a/b/x.txt')).toBe('hello');
    expect(await readFile(await store.resolveFile('/a/b/x.txt'), 'utf8')).toBe('hello');
    const listing = await store.list('/a/b/');
    expect(listing.path).toBe('/a/b');
    expect(listing.files.map((file) => [file.filename, file.size])).toEqual([['x.txt', 5]]);
    await store.removeFile('/a/b/x.txt');
    expect(await codeOf(store.stat('/a/b/x.txt'))).toBe('absent');
    await store.removeDirectory('/a');
    expect(await codeOf(store.list('/a'))).toBe('absent');
    expect(await readdir(tempDir)).toEqual([]);
  });

  it('says what stands in the way', async () => {
    await store.writeFile('/file', bytes(''));
    await store.createDirectory('/dir/below');
    expect(await codeOf(store.createDirectory('/dir'))).toBe('exists');
    expect(await codeOf(store.createDirectory('/file'))).toBe('exists');
    expect(await codeOf(store.createDirectory('/file/x'))).toBe('not-a-directory');
    expect(await codeOf(store.writeFile('/file/x', bytes('')))).toBe('not-a-directory');
    expect(await codeOf(store.writeFile('/dir', bytes('')))).toBe('exists');
    expect(await codeOf(store.removeFile('/dir'))).toBe('not-a-file');
    expect(await codeOf(store.removeDirectory('/file'))).toBe('not-a-directory');
    expect(await codeOf(store.list('/file'))).toBe('not-a-directory');
    expect(await codeOf(store.openForDownload('/dir'))).toBe('not-a-file');
    expect(await codeOf(store.readFile('/file', { maxBytes: -1 }))).toBe('too-large');
  });

  it.each(['/', '/SPECTRA', '/JOBS/', '//SPECTRA'])('does not delete %s itself', async (path) => {
    expect(await codeOf(store.removeDirectory(path))).toBe('in-use');
  });

  it.each(['x', '/..', '/a/../../x', '/./x', '/a\0b', '/\ud800'])('refuses the path %j', async (path) => {
    expect(await codeOf(store.writeFile(path, bytes('x')))).toBe('invalid-name');
    expect(await codeOf(store.list(path))).toBe('invalid-name');
    expect(await codeOf(store.resolveArchiveDirectory(path))).toBe('invalid-name');
  });

  it('refuses names longer than 255 bytes and paths the host cannot hold', async () => {
    expect(await codeOf(store.writeFile(`/${'a'.repeat(256)}`, bytes('')))).toBe('invalid-name');
    expect(await codeOf(store.writeFile(`/${'é'.repeat(128)}`, bytes('')))).toBe('invalid-name');
    await store.writeFile(`/${'a'.repeat(255)}`, bytes(''));
    expect(await codeOf(store.writeFile(`${'/abcdefghi'.repeat(410)}/x`, bytes('')))).toBe('invalid-name');
    expect(await codeOf(store.writeFile(`/SPECTRA${'/abcdefghi'.repeat(200)}/x`, bytes('')))).toBe(
      'invalid-name',
    );
  });

  it('keeps names in the Unicode form they came in', async () => {
    const composed = 'Hα é.fits';
    const decomposed = composed.normalize('NFD');
    await store.writeFile(`/${composed}`, bytes('NFC'));
    await store.writeFile(`/${decomposed}`, bytes('NFD'));
    expect([await read(`/${composed}`), await read(`/${decomposed}`)]).toEqual(['NFC', 'NFD']);
  });
});

describe('writing', () => {
  it('lets concurrent readers see the old or the new file whole', async () => {
    const size = 200_000;
    await store.writeFile('/x', Buffer.alloc(size, 'a'));
    let isWriting = true;
    const seen = new Set<string>();
    const reader = async () => {
      while (isWriting) {
        const content = (await store.readFile('/x', { maxBytes: 1e6 })).toString();
        seen.add(`${content.length} ${[...new Set(content)].join('')}`);
      }
    };
    const readers = [reader(), reader()];
    for (const letter of 'bcdefgh') await store.writeFile('/x', Buffer.alloc(size, letter));
    isWriting = false;
    await Promise.all(readers);
    expect(seen.size).toBeGreaterThan(1);
    for (const what of seen) expect(what).toMatch(/^200000 [a-h]$/);
  });

  it('leaves the old file and nothing else when the content breaks off', async () => {
    async function* broken() {
      yield bytes('half');
      await Promise.resolve();
      throw new Error('connection lost');
    }
    await store.writeFile('/x', bytes('old'));
    await expect(store.writeFile('/x', broken())).rejects.toThrow('connection lost');
    await expect(store.writeFile('/new/dir/x', broken())).rejects.toThrow('connection lost');
    expect(await read('/x')).toBe('old');
    expect(existsSync(join(root, 'new'))).toBe(false);
    expect(await readdir(tempDir)).toEqual([]);
  });

  it('clears what a crash left behind, and spares an upload in progress', async () => {
    await writeFile(join(tempDir, 'old.part'), '');
    await utimes(join(tempDir, 'old.part'), 1e9, 1e9);
    await writeFile(join(tempDir, 'live.part'), '');
    await createFileStore({ root, tempDir });
    expect(await readdir(tempDir)).toEqual(['live.part']);
  });
});

describe('links and special files', () => {
  let outside: string;
  beforeEach(async () => {
    outside = join(base, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(root, 'dir'));
    await symlink(join(outside, 'secret'), join(root, 'file'));
    await symlink('../../outside', join(root, 'SPECTRA', 'dir'));
  });

  it('reads, writes and lists nothing through a link that leads out', async () => {
    expect(await codeOf(store.openForDownload('/file'))).toBe('outside');
    expect(await codeOf(store.openForDownload('/dir/secret'))).toBe('outside');
    expect(await codeOf(store.list('/dir'))).toBe('outside');
    expect(await codeOf(store.writeFile('/dir/new', bytes('x')))).toBe('outside');
    expect(await codeOf(store.createDirectory('/dir/new'))).toBe('outside');
    expect(await codeOf(store.removeFile('/dir/secret'))).toBe('outside');
    expect(await codeOf(store.resolveArchiveDirectory('/dir'))).toBe('outside');
    expect((await store.list('/')).directories).toEqual(['JOBS', 'SPECTRA']);
    expect((await store.list('/')).files).toEqual([]);
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('replaces or deletes the link, never what it leads to', async () => {
    await store.writeFile('/file', bytes('mine'));
    expect(await read('/file')).toBe('mine');
    await store.removeFile('/dir');
    expect(existsSync(join(root, 'dir'))).toBe(false);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('deletes a directory without following the links in it', async () => {
    await store.createDirectory('/victim');
    await symlink(outside, join(root, 'victim', 'out'));
    await store.removeDirectory('/victim');
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('follows links inside, and knows a file by its true path', async () => {
    await store.writeFile('/SPECTRA/M31/x.fits', bytes('x'));
    await symlink(join(root, 'SPECTRA'), join(root, 'short'));
    await symlink('M31/x.fits', join(root, 'SPECTRA', 'y.fits'));
    expect((await store.writeFile('/short/M31/z.fits', bytes('z'))).path).toBe('/SPECTRA/M31/z.fits');
    expect(await read('/SPECTRA/y.fits')).toBe('x');
    expect(await codeOf(store.removeDirectory('/short/M31/../..'))).toBe('invalid-name');
    await store.removeDirectory('/short');
    expect(await read('/SPECTRA/M31/x.fits')).toBe('x');
  });

  it('takes loops and dangling links as absent', async () => {
    await symlink('loop', join(root, 'loop'));
    await symlink('nowhere', join(root, 'dangling'));
    for (const name of ['loop', 'dangling']) {
      expect(await codeOf(store.openForDownload(`/${name}`))).toBe('absent');
      expect(await codeOf(store.writeFile(`/${name}/x`, bytes('')))).toBe('absent');
    }
  });

  it('never opens a FIFO', async () => {
    execFileSync('mkfifo', [join(root, 'fifo')]);
    expect(await codeOf(store.openForDownload('/fifo'))).toBe('not-a-file');
    expect(await codeOf(store.stat('/fifo'))).toBe('not-a-file');
    expect((await store.list('/')).files).toEqual([]);
  });
});

describe('the archive', () => {
  it.each([
    ['/', ''],
    ['/SPECTRA', ''],
    ['/SPECTRA/', ''],
    ['/M31', 'M31'],
    ['/SPECTRA/M31//b/', 'M31/b'],
    ['/SPECTRAL', 'SPECTRAL'],
  ])('takes data_dir_path %s as %j', (path, expected) => {
    expect(archivePathOfDataDirectory(path)).toBe(expected);
  });

  it('resolves a data directory, or says that it is absent', async () => {
    await store.writeFile('/SPECTRA/M31/x', bytes(''));
    expect(await store.resolveArchiveDirectory('/M31')).toEqual({
      archivePath: 'M31',
      hostPath: join(root, 'SPECTRA', 'M31'),
    });
    expect(await codeOf(store.resolveArchiveDirectory('/M32'))).toBe('absent');
    expect(await codeOf(store.resolveArchiveDirectory('/M31/x'))).toBe('not-a-directory');
  });

  it('walks in byte order of the whole path', async () => {
    const names = [
      'a/z',
      'a-b',
      'a.b',
      'a0',
      'a/b/c',
      'a/b.c',
      'B',
      'é',
      'z/é/1',
      '\u{1f600}',
      '\uffee',
      'ab/c',
    ];
    for (const name of names) await store.writeFile(`/SPECTRA/${name}`, bytes('x'));
    const inByteOrder = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    expect(await pathsOf('/')).toEqual(inByteOrder);
    expect(await pathsOf('/', { recursive: false })).toEqual(
      inByteOrder.filter((name) => !name.includes('/')),
    );
    expect(await pathsOf('/SPECTRA/a')).toEqual(['a/b.c', 'a/b/c', 'a/z']);
  });

  it('says what is not a file to read, and goes on', async () => {
    await store.writeFile('/SPECTRA/ok', bytes('four'));
    const archive = join(root, 'SPECTRA');
    await symlink(base, join(archive, 'out'));
    await symlink('missing', join(archive, 'dangling'));
    await symlink('ok', join(archive, 'same'));
    await symlink('.', join(archive, 'here'));
    execFileSync('mkfifo', [join(archive, 'fifo')]);
    await rename(
      await store.resolveFile('/SPECTRA/ok'),
      Buffer.concat([Buffer.from(`${archive}/bad`), Buffer.from([0xff])]),
    );
    await store.writeFile('/SPECTRA/ok', bytes('four'));
    const found = [];
    for await (const files of store.walkArchive('/'))
      for (const { path, size, problem } of files) found.push([path, problem ?? size]);
    expect(found).toEqual([
      ['bad\\xff', 'name is not valid UTF-8'],
      ['dangling', 'symbolic link that leads nowhere'],
      ['fifo', 'not a regular file'],
      ['here', 'symbolic link to a directory'],
      ['ok', 4],
      ['out', 'symbolic link out of the archive'],
      ['same', 4],
    ]);
  });

  describe('mounted', () => {
    let archive: string;
    let mounted: FileStore;
    beforeEach(async () => {
      archive = join(base, 'archive');
      await mkdir(join(archive, 'M31'), { recursive: true });
      await writeFile(join(archive, 'M31', 'x.fits'), 'x');
      await store.writeFile('/SPECTRA/hidden', bytes(''));
      mounted = await createFileStore({ root, tempDir, spectraDir: archive });
    });

    it('is /SPECTRA, and read-only', async () => {
      expect(mounted.archiveRoot).toBe(archive);
      expect(await read('/SPECTRA/M31/x.fits', mounted)).toBe('x');
      expect(await mounted.list('/SPECTRA')).toMatchObject({
        readOnly: true,
        directories: ['M31'],
        files: [],
      });
      expect(await pathsOf('/M31', {}, mounted)).toEqual(['M31/x.fits']);
      for (const work of [
        () => mounted.writeFile('/SPECTRA/y', bytes('')),
        () => mounted.writeFile('/SPECTRA/new/y', bytes('')),
        () => mounted.createDirectory('/SPECTRA/new'),
        () => mounted.removeFile('/SPECTRA/M31/x.fits'),
        () => mounted.removeDirectory('/SPECTRA/M31'),
      ])
        expect(await codeOf(work())).toBe('read-only');
      await mounted.writeFile('/elsewhere', bytes(''));
    });

    it('stays read-only behind a link, and hides what lies under it', async () => {
      await symlink(archive, join(root, 'link'));
      await symlink(join(root, 'SPECTRA'), join(root, 'under'));
      expect(await read('/link/M31/x.fits', mounted)).toBe('x');
      expect(await codeOf(mounted.removeFile('/link/M31/x.fits'))).toBe('read-only');
      expect(await codeOf(mounted.openForDownload('/under/hidden'))).toBe('outside');
    });

    it('is refused where it holds the file store', async () => {
      await expect(createFileStore({ root, tempDir, spectraDir: base })).rejects.toThrow('must not lie');
    });
  });
});
