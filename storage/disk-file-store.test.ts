import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDiskFileStore } from './disk-file-store.ts';
import { archivePathOfDataDirectory, FileStoreError, type FileStore } from './file-store.ts';

let base: string;
let root: string;
let tempDir: string;
let store: FileStore;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'file store '));
  root = join(base, 'files');
  tempDir = join(base, 'tmp');
  store = await createDiskFileStore({ root, tempDir });
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

describe('writing', () => {
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
    await createDiskFileStore({ root, tempDir });
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
    expect(await store.resolveArchiveDirectory('/M31')).toBe('M31');
    expect(await codeOf(store.resolveArchiveDirectory('/M32'))).toBe('absent');
    expect(await codeOf(store.resolveArchiveDirectory('/M31/x'))).toBe('not-a-directory');
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
      (await store.lend('/SPECTRA/ok')).hostPath,
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
      mounted = await createDiskFileStore({ root, tempDir, spectraDir: archive });
    });

    it('is /SPECTRA, and read-only', async () => {
      expect(mounted.archive).toEqual({ directory: archive });
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
      await expect(createDiskFileStore({ root, tempDir, spectraDir: base })).rejects.toThrow('must not lie');
    });
  });
});
