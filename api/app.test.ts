import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, METHODS, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client, Connection } from '@temporalio/client';
import type { Express } from 'express';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { connect } from '../db/connection.ts';
import { createDiskFileStore } from '../storage/disk-file-store.ts';
import { createApp } from './app.ts';
import { JobEventHub } from './job-event-hub.ts';
import { createSpectrumReader } from './spectrum-reader.ts';

const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

let base: string;
let webRoot: string;
let app: Express;
let server: Server;
let origin: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'app of a test '));
  webRoot = join(base, 'web');
  const tempDir = join(base, 'tmp');
  const address = '127.0.0.1:1';
  app = createApp({
    db: connect(`postgresql://nobody@${address}/nothing`).db,
    fileStore: await createDiskFileStore({ root: join(base, 'files'), tempDir }),
    spectrumReader: createSpectrumReader(),
    temporal: new Client({ connection: Connection.lazy({ address }) }),
    hub: new JobEventHub(),
    log: pino({ level: 'silent' }),
    allowedHosts: ['Spectra.example'],
    corsOrigins: [],
    webRoot,
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  origin = `http://127.0.0.1:${bound.port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(base, { recursive: true, force: true });
});

it('says how to build the dashboard where it is not built', async () => {
  const response = await fetch(origin);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toContain('text/plain');
  expect(await response.text()).toContain('npm run build');
});

it.each([
  ['spectra.example:10000', 200],
  ['SPECTRA.example', 200],
  ['localhost:1', 200],
  ['not.spectra.example', 403],
  ['spectra.example.org', 403],
])('a request for %s answers %i', async (host, status) => {
  const answered = await new Promise((resolve, reject) => {
    request(`${origin}/api/health`, { headers: { host } }, ({ statusCode }) => resolve(statusCode))
      .on('error', reject)
      .end();
  });
  expect(answered).toBe(status);
});

it('serves scripts as the build has compressed them, to whom takes them so', async () => {
  await mkdir(join(webRoot, 'assets'), { recursive: true });
  const script = `export default '${'x'.repeat(2000)}';`;
  await writeFile(join(webRoot, 'assets', 'page-Ab3.js'), script);
  await writeFile(join(webRoot, 'assets', 'page-Ab3.js.gz'), gzipSync(script));
  const ask = async (encoding: string) => {
    const response = await fetch(new URL('/assets/page-Ab3.js', origin), {
      headers: { 'accept-encoding': encoding },
    });
    return { headers: response.headers, text: await response.text() };
  };
  const compressed = await ask('gzip, br');
  expect(compressed.text).toBe(script);
  expect(compressed.headers.get('content-encoding')).toBe('gzip');
  expect(compressed.headers.get('content-type')).toMatch(/javascript/);
  expect(compressed.headers.get('cache-control')).toContain('immutable');
  const plain = await ask('identity');
  expect(plain.text).toBe(script);
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(plain.headers.get('vary')).toContain('Accept-Encoding');
});

it('serves hashed assets for good, and its page for every room of it', async () => {
  await mkdir(join(webRoot, 'assets'), { recursive: true });
  await writeFile(join(webRoot, 'index.html'), '<!doctype html><title>dashboard</title>');
  await writeFile(join(webRoot, 'assets', 'index-Ab3.js'), 'export {};');
  await writeFile(join(webRoot, 'assets', 'font-Ab3.woff2'), 'x');
  const get = async (path: string) => {
    const response = await fetch(origin + path);
    const { status, headers } = response;
    return {
      status,
      type: headers.get('content-type'),
      cache: headers.get('cache-control'),
      text: await response.text(),
    };
  };
  const script = await get('/assets/index-Ab3.js');
  expect(script).toMatchObject({ status: 200, cache: 'public, max-age=31536000, immutable' });
  expect(script.type).toMatch(/^text\/javascript/);
  expect((await get('/assets/font-Ab3.woff2')).type).toBe('font/woff2');
  for (const path of [
    '/',
    '/jobs',
    '/jobs/7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0',
    '/files?path=%2Fa',
    '/apiary',
  ]) {
    const page = await get(path);
    expect(page, path).toMatchObject({ status: 200, cache: 'no-cache' });
    expect(page.type).toMatch(/^text\/html/);
    expect(page.text).toContain('dashboard');
  }
  for (const path of ['/assets/gone.js', '/api/nothing', '/api', '/..%2f..%2fetc%2fpasswd']) {
    const answer = await get(path);
    expect(answer.text, path).not.toContain('root:');
    if (path !== '/..%2f..%2fetc%2fpasswd') expect(answer.status, path).toBe(404);
  }
});

it('serves no route that the OpenAPI document does not know', async () => {
  const response = await fetch(`${origin}/api/openapi.json`);
  const { paths } = Document.parse(await response.json());
  const served = app.router.stack.flatMap(({ route }) => {
    const methods = Object.keys(route && 'methods' in route ? (route.methods ?? {}) : {});
    // Of every method: it refuses those that no route takes.
    if (methods.length === METHODS.length) return [];
    return route ? methods.map((method) => [method, route.path.replaceAll(/:(\w+)/g, '{$1}')] as const) : [];
  });
  expect(served.length).toBeGreaterThan(50);
  const known = served.filter(([method, path]) => paths[path]?.[method] !== undefined);
  const others = served.filter((route) => !known.includes(route));
  // The document itself, and the page that shows it.
  expect(others).toEqual([
    ['get', '/api/openapi.json'],
    ['get', '/api/docs'],
  ]);
});
