import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

it('answers what is under way when it is asked to stop, takes nothing new, and ends event streams', async () => {
  const { url } = server;
  const body = '--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nhalf';
  const end = ' whole\r\n--b--\r\n';
  const upload = request(`${url}/files/drained.txt/upload`, {
    method: 'POST',
    headers: {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': body.length + end.length,
    },
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.once('error', reject);
    upload.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  await new Promise<void>((resolve) => upload.write(body, () => resolve()));
  const stream = await fetch(`${url}/events`);
  // The upload has arrived by now: the stream, which was asked for later, is answered.
  expect(stream.status).toBe(200);

  let hasStopped = false;
  const restarted = server.restart().then(() => {
    hasStopped = true;
  });
  // Ends, rather than breaks off.
  await stream.text();
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  expect(hasStopped).toBe(false);
  upload.end(end);
  expect(await answered).toBe(201);
  await restarted;
  const stored = await fetch(`${server.url}/files/drained.txt/download`);
  expect(await stored.text()).toBe('half whole');
});
