import { CreatedDirectory, DirectoryListing, UploadedFile } from '../../contracts/file.ts';
import {
  ApiFailure,
  apiUrl,
  countsAsReachable,
  failureOf,
  reportReachability,
  requestJson,
  requestNothing,
} from './http.ts';

const filePath = (name: string) => `/files/${encodeURIComponent(name)}`;
const directoryPath = (name: string) => `/files/directories/${encodeURIComponent(name)}`;

export function listDirectory(path: string, signal?: AbortSignal): Promise<DirectoryListing> {
  return requestJson(DirectoryListing, '/files', { query: { parent_dir_path: path }, signal });
}

export function fileDownloadUrl(parentPath: string, name: string): string {
  return apiUrl(`${filePath(name)}/download`, { parent_dir_path: parentPath });
}

export function deleteFile(parentPath: string, name: string): Promise<void> {
  return requestNothing(filePath(name), { method: 'DELETE', query: { parent_dir_path: parentPath } });
}

export function createDirectory(parentPath: string, name: string): Promise<CreatedDirectory> {
  return requestJson(CreatedDirectory, directoryPath(name), {
    method: 'POST',
    query: { parent_dir_path: parentPath },
  });
}

/** With everything in it. */
export function deleteDirectory(parentPath: string, name: string): Promise<void> {
  return requestNothing(directoryPath(name), { method: 'DELETE', query: { parent_dir_path: parentPath } });
}

/**
 * Uploads one file; `onProgress` gets the share sent, 0 to 1. XMLHttpRequest, because fetch tells nothing of it.
 * @throws ApiFailure; an AbortError when `signal` fires
 */
export function uploadFile(input: {
  parentPath: string;
  file: File;
  onProgress: (share: number) => void;
  signal: AbortSignal;
}): Promise<UploadedFile> {
  const { parentPath, file, onProgress, signal } = input;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new DOMException('The upload was cancelled', 'AbortError'));
      return;
    }
    const request = new XMLHttpRequest();
    request.open('POST', apiUrl(`${filePath(file.name)}/upload`, { parent_dir_path: parentPath }));
    request.setRequestHeader('accept', 'application/json');
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      reportReachability(countsAsReachable(request.status));
      const requestId = request.getResponseHeader('x-request-id') ?? undefined;
      if (request.status < 200 || request.status >= 300) {
        reject(failureOf(request.status, request.statusText, request.responseText, requestId));
        return;
      }
      try {
        resolve(UploadedFile.parse(JSON.parse(request.responseText)));
      } catch (error) {
        reject(
          new ApiFailure({
            status: request.status,
            code: 'unexpected_answer',
            detail: error instanceof Error ? error.message : String(error),
            requestId,
          }),
        );
      }
    });
    request.addEventListener('error', () => {
      // Not reported as "API unreachable": a server that refuses a body early breaks the connection as well.
      reject(new ApiFailure({ status: 0, code: 'unreachable', detail: 'The connection broke' }));
    });
    request.addEventListener('abort', () =>
      reject(new DOMException('The upload was cancelled', 'AbortError')),
    );
    signal.addEventListener('abort', () => request.abort(), { once: true });
    const form = new FormData();
    form.set('file', file, file.name);
    request.send(form);
  });
}
