import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../storage/package-root.ts';
import { call, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let base: string;
beforeAll(async () => {
  server = await startTestServer();
  base = await mkdtemp(join(tmpdir(), 'openapi of a test '));
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, force: true });
});

const document = async () => (await call('GET', `${server.url}/openapi.json`)).body;

it('is clean by Redocly’s recommended rules, its examples included', async () => {
  const file = join(base, 'openapi.json');
  await writeFile(file, JSON.stringify(await document()));
  const root = packageRoot();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(root, 'node_modules', '@redocly', 'cli', 'bin', 'cli.js'),
      ...['lint', file, '--config', join(root, 'redocly.yaml'), '--format', 'json'],
    ],
    { env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
  );
  const Report = z.object({ problems: z.array(z.object({ ruleId: z.string(), message: z.string() })) });
  expect(Report.parse(JSON.parse(stdout)).problems).toEqual([]);
});

const Response = z.object({
  content: z.record(z.string(), z.looseObject({ example: z.unknown().optional() })).optional(),
});
const Operation = z.object({
  tags: z.array(z.string()),
  requestBody: z.unknown().optional(),
  responses: z.record(z.string(), Response),
});
const Document = z.object({
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
});

it('documents every error of every call, with an example', async () => {
  const { paths, tags } = Document.parse(await document());
  const names = tags.map(({ name }) => name);
  for (const [path, item] of Object.entries(paths))
    for (const [method, { responses, requestBody, tags: used }] of Object.entries(item)) {
      const where = `${method} ${path}`;
      expect(names, where).toEqual(expect.arrayContaining(used));
      expect(Object.keys(responses), where).toEqual(expect.arrayContaining(['403', '500', 'default']));
      if (requestBody !== undefined) expect(Object.keys(responses), where).toContain('413');
      if (path.startsWith('/uws')) continue;
      for (const [status, { content }] of Object.entries(responses))
        if (status.startsWith('4'))
          expect(content?.['application/json']?.example, `${where} ${status}`).toHaveProperty('code');
    }
});
