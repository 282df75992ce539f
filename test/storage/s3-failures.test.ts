import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ObjectStore, objectUri } from '../../storage/object-store.ts';
import { createS3Store } from '../../storage/s3.ts';

// What goes wrong on the way, from a server that does it on purpose. Against a real one: object-store.test.ts.

let server: Server;
let store: ObjectStore;
let answers: ((response: ServerResponse) => void)[];
let requests: number;
beforeEach(async () => {
  answers = [];
  requests = 0;
  server = createServer((request, response) => {
    request.resume();
    const answer = answers[Math.min(requests++, answers.length - 1)];
    answer?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'tester');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const endpoint = `http://127.0.0.1:${address.port}`;
  store = createS3Store({ bucket: 'spectra', prefix: '', region: 'us-east-1', endpoint });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const whole = (response: ServerResponse) => response.end('abcd');
const brokenOff = (response: ServerResponse) => {
  response.writeHead(200, { 'content-length': '4' });
  response.write('ab', () => setTimeout(() => response.destroy(), 20));
};
const fails = (status: number, code: string) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>${code} of a test</Message></Error>`);
};
const textOf = async (reading: Promise<Uint8Array>) => Buffer.from(await reading).toString();

it('reads again what broke off', async () => {
  answers = [brokenOff, brokenOff, whole];
  expect(await textOf(store.read(objectUri('x'), undefined, new Uint8Array(8)))).toBe('abcd');
  expect(requests).toBe(3);
});

it('asks again where the server is busy', async () => {
  answers = [fails(503, 'SlowDown'), fails(500, 'InternalError'), whole];
  expect(await textOf(store.read(objectUri('x')))).toBe('abcd');
});

it('gives up in the end, and says why', async () => {
  answers = [brokenOff];
  await expect(store.read(objectUri('x'))).rejects.toThrow('x broke off after 2 bytes');
  expect(requests).toBe(5);
});

it('does not ask again what is refused', async () => {
  answers = [fails(403, 'AccessDenied')];
  await expect(store.read(objectUri('x'))).rejects.toThrow('AccessDenied of a test');
  expect(requests).toBe(1);
});

it('notices bytes that were changed on their way', async () => {
  answers = [
    (response) => {
      response.writeHead(200, { 'content-length': '4', 'x-amz-checksum-crc32': '7YLNEQ==' });
      response.end('abcx');
    },
    (response) => {
      response.writeHead(200, { 'content-length': '4', 'x-amz-checksum-crc32': '7YLNEQ==' });
      response.end('abcd');
    },
  ];
  expect(await textOf(store.read(objectUri('x')))).toBe('abcd');
  expect(requests).toBe(2);
});
