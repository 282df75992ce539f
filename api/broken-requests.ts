import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiError } from '../contracts/error.ts';

const ANSWERS: Readonly<Record<string, [status: number, error: ApiError]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    { detail: 'The address or the headers are too long', code: 'headers_too_large' },
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, { detail: 'The request did not come in time', code: 'request_timeout' }],
};
const MALFORMED: [number, ApiError] = [400, { detail: 'That is not HTTP', code: 'malformed_request' }];

/** Answers what Node cannot read as a request in the one shape of errors; no application ever sees it. */
export function answerBrokenRequests(server: Server): void {
  // Where an answer is on its way, another one would be read as a part of it.
  const answering = new WeakSet<Duplex>();
  server.on('request', (request, response) => {
    answering.add(request.socket);
    response.once('close', () => answering.delete(request.socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || answering.has(socket) || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, problem] = ANSWERS[error.code ?? ''] ?? MALFORMED;
    const body = JSON.stringify(problem);
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${randomUUID()}`,
      'Connection: close',
    ];
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  });
}
