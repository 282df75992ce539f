import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { systemCode } from './process.ts';

/** Below those that systems give to outgoing connections (from 32768 on): a part that restarts finds its port again. */
const [FIRST_PORT, LAST_PORT] = [15_000, 31_999];
const TRIES = 100;

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isPortFree(port)) return port;
  }
  throw new Error('no free port on 127.0.0.1');
}

/** Can this port of the host be listened on? */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
