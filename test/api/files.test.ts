import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../contracts/error.ts';
import { DirectoryListing } from '../../contracts/file.ts';
import { jobs, spectra } from '../../db/schema.ts';
import { startApi } from './running-api.ts';

const SAMPLE = 'samples/spectra/dr1/spec-55862-B6212_sp06-005.fits.gz';
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const enc = encodeURIComponent;
const query = (parent?: string) => (parent === undefined ? '' : `?parent_dir_path=${enc(parent)}`);

function upload(
  filename: string,
  content: string | Uint8Array<ArrayBuffer>,
  parent?: string,
  field = 'file',
) {
  const form = new FormData();
  form.set('comment', 'another field before the file');
  form.set(field, new Blob([content]), 'name on the disk of the client.bin');
  return fetch(`${api.url}/files/${enc(filename)}/upload${query(parent)}`, { method: 'POST', body: form });
}
const download = (filename: string, parent?: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}/files/${enc(filename)}/download${query(parent)}`, { headers });
const call = (method: string, path: string) => fetch(`${api.url}${path}`, { method });

/** Sends the path as it is; fetch would resolve `..` itself. */
function rawStatus(method: string, path: string): Promise<number> {
  const { hostname, port, pathname } = new URL(api.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, method, path: pathname + path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('upload and download', () => {
  it('answers 201 with the file, makes parents, and replaces', async () => {
    const answer = await upload('x.txt', 'one', '/a/b/');
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({
      filename: 'x.txt',
      parent_dir_path: '/a/b',
      size: 3,
      modified_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect((await upload('x.txt', 'two!', '/a/b')).status).toBe(201);
    const got = await download('x.txt', '/a/b');
    expect(got.status).toBe(200);
    expect(got.headers.get('content-length')).toBe('4');
    expect(await got.text()).toBe('two!');
  });

  it('takes any Unicode in names, and gives it back', async () => {
    for (const name of ['Hα 100% #1?.dat', '测试.fits', '.hidden', 'a'.repeat(255), "it's (1)*.txt"]) {
      expect((await upload(name, name)).status).toBe(201);
      const got = await download(name);
      expect(await got.text()).toBe(name);
      const [, value = ''] =
        /^attachment; filename\*=UTF-8''([\w%.~!#$&+^`|-]+)$/.exec(
          got.headers.get('content-disposition') ?? '',
        ) ?? [];
      expect(decodeURIComponent(value)).toBe(name);
      expect((await call('DELETE', `/files/${enc(name)}`)).status).toBe(204);
      expect((await download(name)).status).toBe(404);
    }
  });

  it('serves empty files', async () => {
    expect((await upload('empty', '')).status).toBe(201);
    const got = await download('empty');
    expect([got.status, got.headers.get('content-length'), await got.text()]).toEqual([200, '0', '']);
    expect((await download('empty', '/', { range: 'bytes=0-' })).status).toBe(416);
  });

  it('honours ranges, conditions and HEAD', async () => {
    await upload('r.txt', '0123456789');
    const whole = await download('r.txt');
    const etag = whole.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const range = async (value: string, headers = {}) => {
      const got = await download('r.txt', '/', { range: value, ...headers });
      return [got.status, got.headers.get('content-range'), got.status === 416 ? '' : await got.text()];
    };
    expect(await range('bytes=2-4')).toEqual([206, 'bytes 2-4/10', '234']);
    expect(await range('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=-3')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await range('bytes=-30')).toEqual([206, 'bytes 0-9/10', '0123456789']);
    expect(await range('bytes=5-100')).toEqual([206, 'bytes 5-9/10', '56789']);
    expect(await range('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await range('bytes=4-2')).toEqual([200, null, '0123456789']);
    expect(await range('lines=1-2')).toEqual([200, null, '0123456789']);
    expect(await range('bytes=2-4', { 'if-range': '"other"' })).toEqual([200, null, '0123456789']);
    expect(await range('bytes=2-4', { 'if-range': etag })).toEqual([206, 'bytes 2-4/10', '234']);
    expect((await download('r.txt', '/', { 'if-none-match': `"x", W/${etag}` })).status).toBe(304);
    const head = await call('HEAD', '/files/r.txt/download');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    await upload('r.txt', '0123456780');
    expect((await download('r.txt', '/', { 'if-none-match': etag })).status).toBe(200);
  });

  it('answers 422 to a form without the file, and to what is no form', async () => {
    expect((await upload('none', 'x', '/', 'data')).status).toBe(422);
    const post = (body: string, type: string) =>
      fetch(`${api.url}/files/none/upload`, { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post('{}', 'application/json')).status).toBe(422);
    expect((await post('', 'multipart/form-data; boundary=b')).status).toBe(422);
    expect((await post('', 'multipart/form-data')).status).toBe(422);
    expect((await post('a=b', 'application/x-www-form-urlencoded')).status).toBe(422);
    const start = '--b\r\ncontent-disposition: form-data; name="file"; filename="n"\r\n\r\nhalf a file';
    // The parser tells both: the second must not be one that nobody hears.
    const parts = ['\f', 'a\u0013b'].map(
      (name) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n1\r\n`,
    );
    const named = await post(`${parts.join('')}--b--\r\n`, 'multipart/form-data; boundary=b');
    expect(named.status).toBe(422);
    const broken = await post(start, 'multipart/form-data; boundary=b');
    expect([broken.status, ApiError.parse(await broken.json()).code]).toEqual([422, 'invalid']);
    expect((await post(`${start}\r\n--b\r\ncontent-dis`, 'multipart/form-data; boundary=b')).status).toBe(
      422,
    );
    expect((await download('none')).status).toBe(404);
    expect(await readdir(api.tempDir)).toEqual([]);
  });

  it('leaves nothing of an upload whose connection is lost, and the old file whole', async () => {
    await upload('kept.txt', 'old');
    const { hostname, port } = new URL(api.url);
    for (const name of ['kept.txt', 'lost.txt']) {
      const socket = connectSocket(Number(port), hostname);
      socket.write(
        `POST /api/files/${name}/upload?parent_dir_path=/${name === 'kept.txt' ? '' : 'new'} HTTP/1.1\r\nHost: localhost\r\n` +
          'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n' +
          '--b\r\ncontent-disposition: form-data; name="file"; filename="n"\r\n\r\n',
      );
      socket.write('x'.repeat(100_000));
      await expect.poll(() => readdir(api.tempDir)).toHaveLength(1);
      socket.destroy();
      await expect.poll(() => readdir(api.tempDir)).toEqual([]);
    }
    expect(await (await download('kept.txt')).text()).toBe('old');
    expect((await call('GET', '/files?parent_dir_path=/new')).status).toBe(404);
  });

  it('lets readers see the old or the new file whole while it is replaced', async () => {
    const content = (letter: string) => letter.repeat(2_000_000);
    await upload('big', content('a'));
    const reads = Array.from({ length: 12 }, async (_, index) => {
      await delay(index * 10);
      const text = await (await download('big')).text();
      return text === content('a') || text === content('b');
    });
    await upload('big', content('b'));
    expect(await Promise.all(reads)).toEqual(Array(12).fill(true));
  });
});

describe('names and paths', () => {
  it.each(['/..', '/a/../..', 'a', '', '/a\\b', '/%00', `/${'n'.repeat(256)}`, '/a\u0007'])(
    'refuses parent_dir_path %j',
    async (parent) => {
      const path = query(parent.replace('%00', '\0'));
      expect((await call('GET', `/files${path}`)).status).toBe(422);
      expect((await upload('x', 'x', parent.replace('%00', '\0'))).status).toBe(422);
    },
  );

  it.each([
    '..',
    '%2e%2e',
    '.',
    '%2E',
    'a%2Fb',
    '..%2Fx',
    'a%5Cb',
    'a%00b',
    '%0a',
    'n'.repeat(256),
    '%C3%A9'.repeat(128),
    '%ff',
    '%',
  ])('refuses the name %s everywhere', async (name) => {
    for (const [method, path] of [
      ['POST', `/files/${name}/upload`],
      ['GET', `/files/${name}/download`],
      ['DELETE', `/files/${name}`],
      ['POST', `/files/directories/${name}`],
      ['DELETE', `/files/directories/${name}`],
    ] as const) {
      const status = await rawStatus(method, path);
      expect([400, 422], `${method} ${path}`).toContain(status);
    }
  });

  it('refuses the one name whose upload means something else', async () => {
    expect((await upload('directories', 'x')).status).toBe(422);
    expect((await call('POST', '/files/directories/upload')).status).toBe(201);
    expect((await call('DELETE', '/files/directories/upload')).status).toBe(204);
  });

  it('accepts a trailing slash', async () => {
    await upload('slash', 'x');
    expect(await rawStatus('GET', '/files/slash/download/?parent_dir_path=/')).toBe(200);
    expect(await rawStatus('GET', '/files/?parent_dir_path=/')).toBe(200);
  });

  it('keeps links that lead out out of reach', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(api.root, 'way-out'));
    await symlink(join(outside, 'secret'), join(api.root, 'leak'));
    expect((await download('secret', '/way-out')).status).toBe(404);
    expect((await download('leak')).status).toBe(404);
    expect((await upload('planted', 'x', '/way-out')).status).toBe(404);
    expect((await call('POST', '/files/directories/d?parent_dir_path=/way-out')).status).toBe(404);
    expect((await call('GET', '/files?parent_dir_path=/way-out')).status).toBe(404);
    expect((await call('DELETE', '/files/secret?parent_dir_path=/way-out')).status).toBe(404);
    expect(await readdir(outside)).toEqual(['secret']);
    expect((await call('DELETE', '/files/leak')).status).toBe(204);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
    await rm(outside, { recursive: true });
  });

  it('never hangs on a FIFO', async () => {
    execFileSync('mkfifo', [join(api.root, 'fifo')]);
    expect((await download('fifo')).status).toBe(404);
  });
});

describe('directories', () => {
  it('are made once, listed and deleted with their contents', async () => {
    const made = await call('POST', '/files/directories/c?parent_dir_path=/dirs/b');
    expect([made.status, await made.json()]).toEqual([201, { dirname: 'c', parent_dir_path: '/dirs/b' }]);
    expect((await call('POST', '/files/directories/c?parent_dir_path=/dirs/b')).status).toBe(409);
    await upload('f2', '22', '/dirs/b');
    await upload('f1', '1', '/dirs/b');
    const listing = await call('GET', '/files?parent_dir_path=/dirs/b');
    expect(await listing.json()).toEqual({
      parent_dir_path: '/dirs/b',
      total: 3,
      file_count: 2,
      directory_count: 1,
      files: [
        { filename: 'f1', size: 1, modified_at: expect.any(String) },
        { filename: 'f2', size: 2, modified_at: expect.any(String) },
      ],
      directories: [{ dirname: 'c' }],
    });
    expect((await call('DELETE', '/files/directories/dirs')).status).toBe(204);
    expect((await call('GET', '/files?parent_dir_path=/dirs')).status).toBe(404);
    expect((await call('DELETE', '/files/directories/dirs')).status).toBe(404);
  });

  it('conflict with files of the same name', async () => {
    await upload('plain', 'x');
    expect((await call('POST', '/files/directories/plain')).status).toBe(409);
    expect((await call('POST', '/files/directories/below?parent_dir_path=/plain')).status).toBe(409);
    expect((await upload('below', 'x', '/plain')).status).toBe(409);
    await call('POST', '/files/directories/taken');
    expect((await upload('taken', 'x')).status).toBe(409);
    expect((await call('DELETE', '/files/taken')).status).toBe(404);
    expect((await call('DELETE', '/files/directories/plain')).status).toBe(404);
    expect((await call('GET', '/files?parent_dir_path=/plain')).status).toBe(404);
  });

  it('SPECTRA and JOBS stay', async () => {
    for (const name of ['SPECTRA', 'JOBS'])
      expect((await call('DELETE', `/files/directories/${name}`)).status).toBe(409);
  });

  it('of thousands of files are listed', async () => {
    await mkdir(join(api.root, 'many'));
    for (let i = 0; i < 5000; i++) await writeFile(join(api.root, 'many', `f${i}`), '');
    const listing = DirectoryListing.parse(await (await call('GET', '/files?parent_dir_path=/many')).json());
    expect([listing.total, listing.files.length]).toEqual([5000, 5000]);
  });

  it('are kept while a running job uses them', async () => {
    const id = crypto.randomUUID();
    const dir = `job_x_${id}`;
    await upload('config.json', '{}', `/JOBS/${dir}`);
    for (const used of ['/SPECTRA/used/deep', '/SPECTRA/used/deeper', '/SPECTRA/free'])
      await upload('note', 'x', used);
    const job = { id, type: 'DATA_PREPROCESSING', label: 'x', dirPath: `/JOBS/${dir}` } as const;
    await api.db
      .insert(jobs)
      .values({ ...job, phase: 'PROCESSING', config: { data_dir_path: '/used/deep' } });
    const remove = async (name: string, parent: string) =>
      (await call('DELETE', `/files/directories/${name}${query(parent)}`)).status;
    expect(await remove(dir, '/JOBS')).toBe(409);
    expect(await remove('deep', '/SPECTRA/used')).toBe(409);
    expect(await remove('used', '/SPECTRA')).toBe(409);
    expect(await remove('deeper', '/SPECTRA/used')).toBe(204);
    expect(await remove('free', '/SPECTRA')).toBe(204);
    await api.db.update(jobs).set({ phase: 'COMPLETED' });
    expect(await remove('used', '/SPECTRA')).toBe(204);
    expect(await remove(dir, '/JOBS')).toBe(204);
  });
});

describe('the archive', () => {
  const rows = async () =>
    (await api.db.select().from(spectra)).map((row) => [row.path, row.unreadableReason === null]);

  it('catalogues what is uploaded into it, and forgets what is deleted', async () => {
    const sample = new Uint8Array(await readFile(SAMPLE));
    expect((await upload('a.fits.gz', sample, '/SPECTRA/M1')).status).toBe(201);
    expect((await upload('b.fits', sample, '/SPECTRA/M1/deep')).status).toBe(201);
    expect((await upload('zero.fits', '', '/SPECTRA/M1')).status).toBe(201);
    expect((await upload('short.fits', 'S'.repeat(70), '/SPECTRA/M1')).status).toBe(201);
    expect((await upload('elsewhere.fits', sample, '/M1')).status).toBe(201);
    expect(Object.fromEntries(await rows())).toEqual({
      'M1/a.fits.gz': true,
      'M1/deep/b.fits': true,
      'M1/zero.fits': false,
      'M1/short.fits': false,
    });
    expect((await upload('zero.fits', sample, '/SPECTRA/M1')).status).toBe(201);
    expect(Object.fromEntries(await rows())['M1/zero.fits']).toBe(true);
    expect((await call('DELETE', '/files/short.fits?parent_dir_path=/SPECTRA/M1')).status).toBe(204);
    expect((await call('DELETE', '/files/directories/deep?parent_dir_path=/SPECTRA/M1')).status).toBe(204);
    expect((await rows()).map(([path]) => path).sort()).toEqual(['M1/a.fits.gz', 'M1/zero.fits']);
    expect((await call('DELETE', '/files/directories/M1?parent_dir_path=/SPECTRA')).status).toBe(204);
    expect(await rows()).toEqual([]);
  });

  it('answers 403 to every change where it is mounted read-only', async () => {
    const archive = await mkdtemp(join(tmpdir(), 'archive-'));
    await mkdir(join(archive, 'M2'));
    await writeFile(join(archive, 'M2', 'x.fits'), 'x');
    const mounted = await startApi({ spectraDir: archive });
    const status = async (method: string, path: string, body?: FormData) =>
      (await fetch(`${mounted.url}${path}`, { method, body })).status;
    const form = new FormData();
    // More than the buffers of a socket hold: the answer comes before the body was taken.
    form.set('file', new Blob(['x'.repeat(5_000_000)]));
    expect(await status('POST', '/files/x.fits/upload?parent_dir_path=/SPECTRA/M2', form)).toBe(403);
    expect(await status('POST', '/files/directories/new?parent_dir_path=/SPECTRA')).toBe(403);
    expect(await status('DELETE', '/files/x.fits?parent_dir_path=/SPECTRA/M2')).toBe(403);
    expect(await status('DELETE', '/files/directories/M2?parent_dir_path=/SPECTRA')).toBe(403);
    expect(await status('GET', '/files/x.fits/download?parent_dir_path=/SPECTRA/M2')).toBe(200);
    const listing = await (await fetch(`${mounted.url}/files?parent_dir_path=/SPECTRA`)).json();
    expect(listing).toMatchObject({ read_only: true, directories: [{ dirname: 'M2' }] });
    await mounted.close();
    await rm(archive, { recursive: true });
  });
});

it('streams 300 MB both ways in little memory', { timeout: 120_000 }, async () => {
  const length = 300 * 1024 * 1024;
  const chunk = Buffer.alloc(1024 * 1024, 'spectrolabe ');
  const sent = createHash('sha256');
  let highest = 0;
  const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage().rss)), 20);
  const before = process.memoryUsage().rss;
  const { hostname, port } = new URL(api.url);
  const status = await new Promise<number>((resolve, reject) => {
    const upload = request(
      {
        hostname,
        port,
        method: 'POST',
        path: '/api/files/large.bin/upload',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    ).on('error', reject);
    void (async () => {
      upload.write('--b\r\ncontent-disposition: form-data; name="file"; filename="n"\r\n\r\n');
      for (let at = 0; at < length; at += chunk.length) {
        sent.update(chunk);
        if (!upload.write(chunk)) await new Promise((go) => upload.once('drain', go));
      }
      upload.end('\r\n--b--\r\n');
    })();
  });
  expect(status).toBe(201);
  const received = createHash('sha256');
  const answer = await download('large.bin');
  expect(answer.headers.get('content-length')).toBe(String(length));
  for await (const part of answer.body ?? []) received.update(part);
  clearInterval(watch);
  expect(received.digest('hex')).toBe(sent.digest('hex'));
  const grownMegabytes = (highest - before) / 1024 / 1024;
  console.log(`rss grew by ${grownMegabytes.toFixed(0)} MB (server and client together)`);
  expect(grownMegabytes).toBeLessThan(150);
  expect(existsSync(join(api.root, 'large.bin'))).toBe(true);
});
