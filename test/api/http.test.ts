import { request } from 'node:http';
import SwaggerUi from 'swagger-ui-dist';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError } from '../../contracts/error.ts';
import { Health, Ready, SystemInfo } from '../../contracts/system.ts';
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
    ['DELETE', '/api/jobs', 405, 'method_not_allowed'],
    ['POST', '/', 404, 'absent'],
    ['GET', '/assets/nothing.js', 404, 'absent'],
  ])('%s %s answers %i %s in the one shape', async (method, path, status, code) => {
    const answer = await call(method, server.origin + path);
    expect(answer.status).toBe(status);
    expect(ApiError.parse(answer.body).code).toBe(code);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
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
        const { status, body } = await call(method.toUpperCase(), url);
        expect(Object.keys(operation.responses), `${method} ${path}: ${JSON.stringify(body)}`).toContain(
          String(status),
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
