import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDiskFileStore } from '../../storage/disk-file-store.ts';
import { FileStoreError, type FileStore } from '../../storage/file-store.ts';
import { createS3FileStore } from '../../storage/s3-file-store.ts';
import { openBucket } from '../../storage/s3-bucket.ts';
import { findS3Server, type TestBucket } from './s3-server.ts';

// What the users' file store must do, on a disk and on a real S3 server (test/storage/s3-server.ts says which).

const MIB = 1024 * 1024;
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'file stores '));
});
afterAll(() => rm(base, { recursive: true }));

const bytes = (text: string) => Buffer.from(text);
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

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

interface Opened {
  store: FileStore;
  /** The same files with an archive mounted that holds M31/x.fits. */
  mounted: FileStore;
  tempDir: string;
}

function conforms(open: () => Promise<Opened>): void {
  let store: FileStore;
  let mounted: FileStore;
  let tempDir: string;
  beforeEach(async () => {
    ({ store, mounted, tempDir } = await open());
  });
  const read = async (path: string, from = store) =>
    (await from.readFile(path, { maxBytes: 1e6 })).toString();
  async function pathsOf(dir: string, options = {}, from = store): Promise<string[]> {
    const paths = [];
    for await (const files of from.walkArchive(dir, options)) paths.push(...files.map(({ path }) => path));
    return paths;
  }
  async function scratch(content: string | Buffer): Promise<string> {
    const path = join(tempDir, randomUUID());
    await writeFile(path, content);
    return path;
  }
  /** What the store keeps for itself beside what it was given. */
  const leftovers = async () => (await readdir(tempDir)).filter((name) => !['cache', 'lent'].includes(name));

  it('always has SPECTRA and JOBS', async () => {
    expect((await store.list('/')).directories).toEqual(['JOBS', 'SPECTRA']);
    expect((await store.list('/JOBS')).files).toEqual([]);
    await store.check();
  });

  it('writes with parents, reads, lists and deletes', async () => {
    const info = await store.writeFile('/a/b/x.txt', bytes('hello'));
    expect(info).toMatchObject({ path: '/a/b/x.txt', filename: 'x.txt', size: 5 });
    expect(await read('/a/b/x.txt')).toBe('hello');
    expect(await store.find('/a//b/x.txt')).toEqual(await store.stat('/a/b/x.txt'));
    expect(await store.hash('/a/b/x.txt')).toEqual({ bytes: 5, sha256: sha256(bytes('hello')) });
    const listing = await store.list('/a/b/');
    expect(listing).toMatchObject({ path: '/a/b', readOnly: false, directories: [] });
    expect(listing.files.map((file) => [file.filename, file.size])).toEqual([['x.txt', 5]]);
    expect(Math.abs(Date.now() - info.modifiedAt.getTime())).toBeLessThan(60_000);
    expect(await store.removeFile('/a/b/x.txt')).toBe('/a/b/x.txt');
    expect(await codeOf(store.stat('/a/b/x.txt'))).toBe('absent');
    expect(await store.find('/a/b/x.txt')).toBeUndefined();
    expect(await store.list('/a/b')).toMatchObject({ files: [], directories: [] });
    expect(await store.removeDirectory('/a')).toBe('/a');
    expect(await codeOf(store.list('/a'))).toBe('absent');
    expect(await leftovers()).toEqual([]);
  });

  it('says what stands in the way', async () => {
    await store.writeFile('/file', bytes(''));
    await store.createDirectory('/dir/below');
    expect(await codeOf(store.createDirectory('/dir'))).toBe('exists');
    expect(await codeOf(store.createDirectory('/file'))).toBe('exists');
    expect(await codeOf(store.createDirectory('/file/x'))).toBe('not-a-directory');
    expect(await codeOf(store.makeDirectory('/file'))).toBe('not-a-directory');
    expect(await codeOf(store.writeFile('/file/x', bytes('')))).toBe('not-a-directory');
    expect(await codeOf(store.writeFile('/dir', bytes('')))).toBe('exists');
    expect(await codeOf(store.removeFile('/dir'))).toBe('not-a-file');
    expect(await codeOf(store.removeDirectory('/file'))).toBe('not-a-directory');
    expect(await codeOf(store.list('/file'))).toBe('not-a-directory');
    expect(await codeOf(store.openForDownload('/dir'))).toBe('not-a-file');
    expect(await codeOf(store.lend('/dir'))).toBe('not-a-file');
    expect(await codeOf(store.lend('/absent'))).toBe('absent');
    expect(await codeOf(store.lendDirectory('/absent'))).toBe('absent');
    expect(await codeOf(store.copyFile('/absent', '/x'))).toBe('absent');
    expect(await codeOf(store.readFile('/absent', { maxBytes: 1 }))).toBe('absent');
    expect(await codeOf(store.readFile('/dir', { maxBytes: 1 }))).toBe('not-a-file');
    await store.writeFile('/long', bytes('12345'));
    expect(await codeOf(store.readFile('/long', { maxBytes: 4 }))).toBe('too-large');
    expect(await read('/long')).toBe('12345');
  });

  it.each(['/', '/SPECTRA', '/JOBS/', '//SPECTRA'])('does not delete %s itself', async (path) => {
    expect(await codeOf(store.removeDirectory(path))).toBe('in-use');
    expect(await codeOf(store.remove(path))).toBe('in-use');
  });

  it.each(['x', '/..', '/a/../../x', '/./x', '/a\0b', '/\ud800'])('refuses the path %j', async (path) => {
    expect(await codeOf((async () => store.writeFile(path, bytes('x')))())).toBe('invalid-name');
    expect(await codeOf((async () => store.list(path))())).toBe('invalid-name');
    expect(await codeOf((async () => store.resolveArchiveDirectory(path))())).toBe('invalid-name');
  });

  it('refuses names longer than 255 bytes and paths that the store cannot hold', async () => {
    expect(await codeOf(store.writeFile(`/${'a'.repeat(256)}`, bytes('')))).toBe('invalid-name');
    expect(await codeOf(store.writeFile(`/${'é'.repeat(128)}`, bytes('')))).toBe('invalid-name');
    expect(await codeOf(store.createDirectory(`/${'a'.repeat(256)}`))).toBe('invalid-name');
    expect(await codeOf(store.writeFile(`${'/abcdefghi'.repeat(410)}/x`, bytes('')))).toBe('invalid-name');
  });

  it('keeps any name as it came in', async () => {
    const composed = 'Hα é b+c%20#?&=(1)’.fits';
    const decomposed = composed.normalize('NFD');
    await store.writeFile(`/${composed}`, bytes('NFC'));
    await store.writeFile(`/${decomposed}`, bytes('NFD'));
    expect([await read(`/${composed}`), await read(`/${decomposed}`)]).toEqual(['NFC', 'NFD']);
    await store.copyFile(`/${composed}`, '/copy');
    expect(await read('/copy')).toBe('NFC');
  });

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

  it.each([0, 20])('leaves the old file when the content breaks off after %i MiB', async (blocks) => {
    const lost = new Error('connection lost');
    async function* broken() {
      for (let block = 0; block < blocks; block++) yield Buffer.alloc(MIB, block);
      await Promise.resolve();
      throw lost;
    }
    await store.writeFile('/x', bytes('old'));
    await expect(store.writeFile('/x', broken())).rejects.toBe(lost);
    await expect(store.writeFile('/new/dir/x', broken())).rejects.toBe(lost);
    expect(await read('/x')).toBe('old');
    expect(await codeOf(store.list('/new'))).toBe('absent');
    expect(await leftovers()).toEqual([]);
  });

  it('gives downloads of any range, of the bytes that were opened', async () => {
    const content = Buffer.alloc(20 * MIB);
    for (let i = 0; i < content.length; i += 4) content.writeUInt32LE(i, i);
    async function* chunks() {
      for (let i = 0; i < content.length; i += MIB) {
        await Promise.resolve();
        yield content.subarray(i, i + MIB);
      }
    }
    await store.writeFile('/large', chunks());
    const whole = await store.openForDownload('/large');
    expect(whole).toMatchObject({ path: '/large', filename: 'large', size: content.length });
    expect(whole.url).toBeUndefined();
    expect(whole.etag).toMatch(/^".+"$/);
    expect(sha256(Buffer.concat(await whole.read({ start: 0, end: whole.size - 1 }).toArray()))).toBe(
      sha256(content),
    );
    const part = await store.openForDownload('/large');
    expect(part.etag).toBe(whole.etag);
    const range = Buffer.concat(await part.read({ start: 7, end: 5 * MIB }).toArray());
    expect(range.equals(content.subarray(7, 5 * MIB + 1))).toBe(true);
    await store.writeFile('/large', bytes('another'));
    const other = await store.openForDownload('/large');
    expect(other.etag).not.toBe(whole.etag);
    await other.close();
    expect(await store.hash('/large')).toEqual({ bytes: 7, sha256: sha256(bytes('another')) });
  });

  it('takes files and directories from the scratch space, and lends them', async () => {
    const content = Buffer.alloc(9 * MIB, 'Hα');
    await store.placeFile(await scratch(content), '/JOBS/1/result.h5');
    await store.copyFile('/JOBS/1/result.h5', '/JOBS/1/shown/result.h5');
    for (const path of ['/JOBS/1/result.h5', '/JOBS/1/shown/result.h5']) {
      expect(await store.hash(path)).toEqual({ bytes: content.length, sha256: sha256(content) });
      const { hostPath, release } = await store.lend(path);
      expect(hostPath).toMatch(/\/result\.h5$/);
      expect(sha256(await readFile(hostPath))).toBe(sha256(content));
      await release();
    }
    for (const names of [
      ['model.json', 'weights/1', 'weights/2'],
      ['model.json', 'weights/3'],
    ]) {
      const directory = join(tempDir, randomUUID());
      await mkdir(join(directory, 'weights'), { recursive: true });
      for (const name of names) await writeFile(join(directory, name), `${names.length} ${name}`);
      await store.placeDirectory(directory, '/JOBS/1/model');
      expect(await store.listBelow('/JOBS/1/model')).toEqual(names);
      const { hostPath, release } = await store.lendDirectory('/JOBS/1/model');
      for (const name of names)
        expect(await readFile(join(hostPath, name), 'utf8')).toBe(`${names.length} ${name}`);
      await release();
    }
    expect(await store.listBelow('/JOBS/1')).toEqual([
      'model/model.json',
      'model/weights/3',
      'result.h5',
      'shown/result.h5',
    ]);
    await store.remove('/JOBS/1/model');
    await store.remove('/JOBS/1/result.h5');
    await store.remove('/JOBS/1/result.h5');
    expect(await store.listBelow('/JOBS/1')).toEqual(['shown/result.h5']);
    expect(await leftovers()).toEqual([]);
  });

  it('lends what was replaced as it is now', async () => {
    for (const text of ['old', 'new']) {
      await store.writeFile('/x', bytes(text), { sync: false });
      const { hostPath, release } = await store.lend('/x');
      expect(await readFile(hostPath, 'utf8')).toBe(text);
      await release();
    }
  });

  it('resolves a data directory, or says that it is absent', async () => {
    await store.writeFile('/SPECTRA/M31/x', bytes(''));
    expect(await store.resolveArchiveDirectory('/M31')).toBe('M31');
    expect(await store.resolveArchiveDirectory('/SPECTRA/')).toBe('');
    expect(await store.statArchiveFile('M31/x')).toMatchObject({ path: 'M31/x', size: 0 });
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
    await store.createDirectory('/SPECTRA/empty');
    const inByteOrder = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
    expect(await pathsOf('/')).toEqual(inByteOrder);
    expect(await pathsOf('/', { recursive: false })).toEqual(
      inByteOrder.filter((name) => !name.includes('/')),
    );
    expect(await pathsOf('/SPECTRA/a')).toEqual(['a/b.c', 'a/b/c', 'a/z']);
    expect(await pathsOf('/empty')).toEqual([]);
    for await (const files of store.walkArchive('/a'))
      for (const { size, mtimeMs, problem } of files) {
        expect([size, problem]).toEqual([1, undefined]);
        expect(Math.abs(Date.now() - mtimeMs)).toBeLessThan(60_000);
      }
  });

  it('has an archive that is mounted, read-only', async () => {
    await store.writeFile('/SPECTRA/hidden', bytes(''));
    expect(mounted.archiveReadOnly).toBe(true);
    expect(await read('/SPECTRA/M31/x.fits', mounted)).toBe('x');
    expect(await mounted.list('/SPECTRA')).toMatchObject({
      readOnly: true,
      directories: ['M31'],
      files: [],
    });
    expect((await mounted.list('/')).directories).toEqual(['JOBS', 'SPECTRA']);
    expect(await pathsOf('/M31', {}, mounted)).toEqual(['M31/x.fits']);
    for (const work of [
      () => mounted.writeFile('/SPECTRA/y', bytes('')),
      () => mounted.createDirectory('/SPECTRA/new'),
      () => mounted.removeFile('/SPECTRA/M31/x.fits'),
      () => mounted.removeDirectory('/SPECTRA/M31'),
    ])
      expect(await codeOf(work())).toBe('read-only');
    await mounted.writeFile('/elsewhere', bytes('y'));
    expect(await read('/elsewhere')).toBe('y');
    await mounted.copyFile('/SPECTRA/M31/x.fits', '/copy');
    expect(await read('/copy')).toBe('x');
  });
}

describe('on a disk', () => {
  conforms(async () => {
    const own = await mkdtemp(join(base, 'disk '));
    const [root, tempDir, spectraDir] = [join(own, 'files'), join(own, 'tmp'), join(own, 'archive')];
    await mkdir(join(spectraDir, 'M31'), { recursive: true });
    await writeFile(join(spectraDir, 'M31', 'x.fits'), 'x');
    return {
      store: await createDiskFileStore({ root, tempDir }),
      mounted: await createDiskFileStore({ root, tempDir, spectraDir }),
      tempDir,
    };
  });
});

const startS3 = await findS3Server();

describe.skipIf(!startS3)('on S3', () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    if (!startS3) throw new Error('skipped without a server');
    bucket = await startS3();
    for (const [name, value] of Object.entries(bucket.credentials)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await bucket.close();
  });

  async function open(options: { downloadEndpoint?: string } = {}): Promise<Opened> {
    const tempDir = await mkdtemp(join(base, 'S3 '));
    const files = { ...bucket.location, prefix: `of tests/${randomUUID()}` };
    const spectra = { ...bucket.location, prefix: randomUUID() };
    await openBucket(spectra).write('M31/x.fits', bytes('x'));
    const shared = { files, tempDir, cacheBytes: 100 * MIB, ...options };
    return {
      store: await createS3FileStore(shared),
      mounted: await createS3FileStore({ ...shared, spectra }),
      tempDir,
    };
  }
  conforms(open);

  it('is a tree that other programs write in', async () => {
    const prefix = randomUUID();
    const tempDir = await mkdtemp(join(base, 'S3 '));
    const files = openBucket({ ...bucket.location, prefix });
    const store = await createS3FileStore({
      files: { ...bucket.location, prefix },
      tempDir,
      cacheBytes: 100 * MIB,
    });
    await files.write('SPECTRA/lamost/B1/spec.fits', bytes('x'));
    expect((await store.list('/SPECTRA/lamost')).directories).toEqual(['B1']);
    const found = [];
    for await (const some of store.walkArchive('/lamost')) found.push(...some);
    expect(found.map(({ path }) => path)).toEqual(['lamost/B1/spec.fits']);
    expect(await store.hash('/SPECTRA/lamost/B1/spec.fits')).toEqual({
      bytes: 1,
      sha256: sha256(bytes('x')),
    });
    const { hostPath, release } = await store.lend('/SPECTRA/lamost/B1/spec.fits');
    expect(await readFile(hostPath, 'utf8')).toBe('x');
    await release();
    expect(await readdir(join(tempDir, 'lent'))).toEqual([]);
  });

  it('sends who wants a large file to the server itself, and nobody else can make such an address', async () => {
    const { endpoint } = bucket.location;
    if (endpoint === undefined) throw new Error('the server of tests has an address');
    const { store } = await open({ downloadEndpoint: endpoint });
    await store.writeFile('/small', bytes('small'));
    expect((await store.openForDownload('/small')).url).toBeUndefined();
    const content = Buffer.alloc(16 * MIB, 'spectra');
    await store.writeFile('/Hα result.h5', content);
    const { url = '' } = await store.openForDownload('/Hα result.h5');
    const answer = await fetch(url, { headers: { range: 'bytes=7-13' } });
    expect([answer.status, await answer.text()]).toEqual([206, 'spectras'.slice(0, 7)]);
    expect(answer.headers.get('content-disposition')).toBe(
      "attachment; filename*=UTF-8''H%CE%B1%20result.h5",
    );
    const forged = new URL(url);
    forged.pathname = forged.pathname.replace(/result/, 'other');
    expect((await fetch(forged)).status).toBe(403);
  });

  it('says at its opening that there is no bucket', async () => {
    const files = { ...bucket.location, bucket: 'absent-of-a-test' };
    await expect(createS3FileStore({ files, tempDir: base, cacheBytes: 0 })).rejects.toThrow(/bucket/i);
  });
});
