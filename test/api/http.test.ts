import { request } from 'node:http';
import { connect } from 'node:net';
import SwaggerUi from 'swagger-ui-dist';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError } from '../../contracts/error.ts';
import { Health, Ready, StorageUse, SystemInfo } from '../../contracts/system.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { call, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** The status of a request whose Host is not ours; fetch does not let it be set. */
function statusWithHost(host: string): Promise<number | undefined> {
  const { port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/api/health', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

/** What comes back for bytes that fetch would not send. */
function rawAnswer(bytes: string): Promise<string> {
  const { port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

/** OpenAPI, as far as these tests look into it. */
const Operation = z.object({
  operationId: z.string(),
  responses: z.record(z.string(), z.unknown()),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
});
const Document = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
});

describe('errors', () => {
  it.each([
    ['GET', '/api/nothing', 404, 'absent'],
    ['GET', '/api/', 404, 'absent'],
    ['GET', '/api/JOBS', 404, 'absent'],
    ['PUT', '/api/jobs', 405, 'method_not_allowed'],
    ['GET', '/api/labellings/batch', 405, 'method_not_allowed'],
    ['GET', '/api/labellings/batch/', 405, 'method_not_allowed'],
    ['GET', '/api/jobs/no-uuid', 422, 'invalid'],
    ['GET', '/api/jobs/11111111-1111-1111-1111-111111111111', 404, 'absent'],
    ['GET', '/api/jobs?limit=', 422, 'invalid'],
    ['GET', '/api/jobs?limit=1001', 422, 'invalid'],
    ['GET', '/api/jobs?offset=-1', 422, 'invalid'],
    ['GET', '/api/spectra?min_sn_g=', 422, 'invalid'],
    ['POST', '/api/jobs/7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0/process/FLY', 422, 'invalid'],
    ['GET', '/api/files/%ZZ/download', 422, 'invalid'],
    ['DELETE', '/api/jobs', 405, 'method_not_allowed'],
    ['POST', '/', 404, 'absent'],
    ['GET', '/assets/nothing.js', 404, 'absent'],
  ])('%s %s answers %i %s in the one shape', async (method, path, status, code) => {
    const answer = await call(method, server.origin + path);
    expect(answer.status).toBe(status);
    expect(ApiError.parse(answer.body).code).toBe(code);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['not JSON', '{"type": ', 422],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 422],
    ['nested very deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 422],
    ['empty', '', 422],
    ['too large', JSON.stringify({ label: 'x'.repeat(17 * 1024 * 1024) }), 413],
  ])('a body that is %s answers %s', async (_what, body, status) => {
    const response = await fetch(`${server.url}/jobs`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(status);
    expect(ApiError.parse(await response.json()).code).toBe(status === 413 ? 'too_large' : 'invalid');
    expect(response.headers.get('x-request-id')).not.toBeNull();
  });

  it('takes no text that the database could not keep, wherever it stands', async () => {
    for (const label of ['a\u0000b', '\ud800']) {
      const answer = await call('POST', `${server.url}/jobs`, { type: 'TRAINING', label });
      expect(answer.status).toBe(422);
      const nested = { type: 'TRAINING', label: 'x', config: { deep: [{ [label]: 1 }] } };
      expect((await call('POST', `${server.url}/jobs`, nested)).status).toBe(422);
    }
    expect((await call('GET', `${server.url}/jobs?q=%00`)).status).toBe(422);
    // What no schema knows is passed over whatever it holds.
    const other = { type: 'TRAINING', label: '😀'.repeat(50), other: '\u0000' };
    expect((await call('POST', `${server.url}/jobs`, other)).status).toBe(201);
  });

  it('is in the one shape where there is not even a request', async () => {
    for (const [sent, status] of [
      ['GET /api/health HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n', 400],
      [`GET /api/files?parent_dir_path=/${'a'.repeat(70_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ] as const) {
      const answer = await rawAnswer(sent);
      expect(answer.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} \\w+`));
      expect(answer).toMatch(/^x-request-id: [0-9a-f-]{36}\r$/im);
      expect(ApiError.parse(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).code).not.toBe('');
    }
  });

  it('says why to who asks for a path that is far too long', async () => {
    const answer = await call('GET', `${server.url}/spectra/${'%C2%B5'.repeat(4097)}`);
    expect(answer.status).toBe(422);
  });

  it('names the methods that are possible', async () => {
    const answer = await call('PUT', `${server.url}/jobs`);
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  it('says nothing of itself in a 500, and keeps serving', async () => {
    await server.pool.query('alter table jobs rename to jobs_away');
    try {
      const answer = await call('GET', `${server.url}/jobs`);
      expect(answer.status).toBe(500);
      expect(ApiError.parse(answer.body).code).toBe('internal');
      expect(JSON.stringify(answer.body)).not.toMatch(/jobs_away|relation|select|\.ts/);
      expect(answer.headers.get('x-request-id')).not.toBeNull();
      const ready = await call('GET', `${server.url}/ready`);
      expect(Ready.parse(ready.body).checks.database.ok).toBe(false);
    } finally {
      await server.pool.query('alter table jobs_away rename to jobs');
    }
    expect((await call('GET', `${server.url}/jobs`)).status).toBe(200);
  });

  it('answers HEAD as GET without the body', async () => {
    const response = await fetch(`${server.url}/jobs`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('who may call', () => {
  it.each([
    ['localhost', 200],
    ['LOCALHOST:10000', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:10000', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:80', 403],
  ])('a request for %s answers %i', async (host, status) => {
    expect(await statusWithHost(host)).toBe(status);
  });

  it('lets the pages of the allow-list call, preflight and errors included', async () => {
    const origin = 'http://localhost:10300';
    const preflight = await call('OPTIONS', `${server.url}/jobs`, undefined, {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'content-type',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, POST, PATCH, DELETE');
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type');
    const answer = await call('POST', `${server.url}/jobs`, {}, { origin });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    for (const name of ['X-Request-Id', 'ETag', 'Content-Disposition'])
      expect(answer.headers.get('access-control-expose-headers')).toContain(name);
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it('lets no other page change anything, whatever content type it posts', async () => {
    const body = JSON.stringify({ type: 'ACTIVE_ML', label: 'forged' });
    for (const origin of ['http://evil.example', 'null']) {
      const answer = await call('POST', `${server.url}/jobs`, body, { origin, 'content-type': 'text/plain' });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    const own = await call('POST', `${server.url}/jobs`, body, { origin: server.origin });
    expect(own.status).toBe(201);
  });
});

describe('the system', () => {
  it('says what takes room', async () => {
    const use = StorageUse.parse((await call('GET', `${server.url}/system/storage`)).body);
    expect(use.database_bytes).toBeGreaterThan(1_000_000);
    expect(use.disk?.free_bytes).toBeGreaterThan(0);
    expect(use.disk?.total_bytes).toBeGreaterThan(use.disk?.free_bytes ?? Infinity);
    expect(use).toMatchObject({ spectra: { count: 0, bytes: 0 }, results: { count: 0, bytes: 0 } });
  });

  it('is alive, says what it is, and is not ready without workers', async () => {
    expect(Health.parse((await call('GET', `${server.url}/health`)).body).status).toBe('ok');
    const info = SystemInfo.parse((await call('GET', `${server.url}/system`)).body);
    expect(info).toMatchObject({ namespace: 'default', spectra_read_only: false });
    const ready = await call('GET', `${server.url}/ready`);
    expect(ready.status).toBe(503);
    const { checks } = Ready.parse(ready.body);
    expect(checks).toMatchObject({ database: { ok: true }, storage: { ok: true }, temporal: { ok: false } });
    expect(Object.keys(checks.queues).sort()).toEqual([...Object.values(TASK_QUEUES)].sort());
    expect((await call('GET', `${server.url}/workers`)).status).toBe(503);
  });

  it('gives numbers to Prometheus', async () => {
    const { body, headers } = await call('GET', `${server.origin}/metrics`);
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body).toMatch(/^spectrolabe_jobs\{phase="PENDING"\} \d+$/m);
    expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(body).toMatch(/^spectrolabe_outbox_commands \d+$/m);
  });
});

describe('the OpenAPI document', () => {
  const document = async () => Document.parse((await call('GET', `${server.url}/openapi.json`)).body);

  it('holds what API.md promises of sections 1 to 3 and 5, and each operation once', async () => {
    const { openapi, paths } = await document();
    expect(openapi).toBe('3.1.0');
    const operations = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const promised = [
      'POST /api/files/{filename}/upload',
      'GET /api/files/{filename}/download',
      'DELETE /api/files/{filename}',
      'POST /api/files/directories/{dirname}',
      'DELETE /api/files/directories/{dirname}',
      'GET /api/files',
      'GET /api/spectra',
      'GET /api/spectra/{filename}',
      'GET /api/spectra/{filename}/header',
      'GET /api/spectra/{filename}/download',
      'POST /api/jobs',
      'GET /api/jobs',
      'GET /api/jobs/{job_id}',
      'PATCH /api/jobs/{job_id}',
      'DELETE /api/jobs/{job_id}',
      'POST /api/jobs/{job_id}/process/{action}',
      'POST /api/jobs/{job_id}/end/{end}',
      'POST /api/jobs/{job_id}/clone',
      'GET /api/events',
      'GET /api/jobs/{job_id}/events',
      'GET /api/jobs/{job_id}/log',
      'GET /api/jobs/{job_id}/metrics',
      'GET /api/jobs/{job_id}/artifacts',
      'GET /api/jobs/{job_id}/rejects',
      'GET /api/health',
      'GET /api/ready',
      'GET /api/workers',
      'GET /metrics',
    ];
    expect(operations).toEqual(expect.arrayContaining(promised));
    const ids = Object.values(paths).flatMap((item) => Object.values(item).map((one) => one.operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes only what is served, its path parameters and its statuses included', async () => {
    const { paths } = await document();
    const values: Record<string, string> = {
      action: 'PAUSE',
      end: 'ERROR',
      filename: 'no.fits',
      dirname: 'd',
    };
    const id = '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0';
    for (const [path, item] of Object.entries(paths))
      for (const [method, operation] of Object.entries(item)) {
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const described = (operation.parameters ?? []).filter((one) => one.in === 'path');
        expect(described.map(({ name }) => name).sort(), path).toEqual(named.sort());
        const url = server.origin + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? id);
        const response = await fetch(url, { method: method.toUpperCase() });
        // An event stream would never end.
        const isStream = response.headers.get('content-type') === 'text/event-stream';
        const body = isStream ? await response.body?.cancel() : await response.text();
        expect(Object.keys(operation.responses), `${method} ${path}: ${body}`).toContain(
          String(response.status),
        );
      }
  });

  it('is shown by a page that needs nothing from outside', async () => {
    const page = await call('GET', `${server.url}/docs`);
    expect(page.status).toBe(200);
    const sources = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, source]) => source ?? '',
    );
    expect(sources.length).toBeGreaterThan(1);
    expect(SwaggerUi.absolutePath()).toContain('swagger-ui-dist');
    for (const source of sources) {
      expect(source).toMatch(/^\//);
      expect((await call('GET', server.origin + source)).status).toBe(200);
    }
  });
});
