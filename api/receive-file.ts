import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { invalid, type HttpError } from './errors.ts';

/**
 * Streams the file in `field` of a multipart request to `store`, which is called once with its bytes and must
 * make nothing last before they have ended: they fail where the form breaks off, even behind the file.
 * Whatever happens, the rest of the request is drained, so that the client gets to read the answer.
 * @throws HttpError 422 where the body is no whole form with such a file; whatever `store` throws
 */
export async function receiveFile<T>(
  request: IncomingMessage,
  field: string,
  store: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  let parser: busboy.Busboy;
  try {
    parser = busboy({ headers: request.headers, fileHwm: 262_144 });
  } catch (error) {
    request.resume();
    throw invalid(`The body must be multipart/form-data with a file in the field ${field}`, [
      { path: field, message: error instanceof Error ? error.message : 'is missing' },
    ]);
  }
  let storing: Promise<T> | undefined;
  const formEnd = new Promise<void>((resolve, reject) => {
    parser.once('close', resolve);
    // Not once: it tells every malformed part, and an error that nobody hears ends the process.
    parser.on('error', (error) => reject(broken(error)));
  });
  // Awaited in one of two places below; until then its failure must not count as unhandled.
  formEnd.catch(() => undefined);
  const stored = new Promise<T | undefined>((resolve, reject) => {
    parser.on('file', (name, stream) => {
      // Destroyed with the parser; whoever reads it sees the error, and nobody else need.
      stream.on('error', () => undefined);
      if (name !== field || storing !== undefined) {
        stream.resume();
        return;
      }
      storing = store(wholeForm(stream, formEnd));
      storing.then(resolve, reject);
    });
    formEnd.then(() => {
      if (storing === undefined) resolve(undefined);
    }, reject);
  });
  const onClose = () => {
    if (!request.complete) parser.destroy(new Error('the connection was lost'));
  };
  request.once('close', onClose);
  request.pipe(parser);
  try {
    const result = await stored;
    if (storing === undefined || result === undefined)
      throw invalid(`The form has no file in the field ${field}`, [{ path: field, message: 'is missing' }]);
    return result;
  } finally {
    request.off('close', onClose);
    request.unpipe(parser);
    parser.destroy();
    request.resume();
    // The file that was being written is gone before the answer is.
    await storing?.catch(() => undefined);
  }
}

async function* wholeForm(stream: Readable, formEnd: Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('an upload gave something that is not bytes');
      yield chunk;
    }
  } catch (error) {
    throw broken(error);
  }
  await formEnd;
}

function broken(error: unknown): HttpError {
  return invalid(`The upload broke off: ${error instanceof Error ? error.message : String(error)}`);
}
