import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ApiFailure, apiUrl, failureOf, onReachability, requestJson } from './http.ts';

afterEach(() => vi.unstubAllGlobals());

const answers = (response: Response) => vi.stubGlobal('fetch', () => Promise.resolve(response));

describe('apiUrl', () => {
  it('leaves out what is not set but keeps 0 and false', () => {
    expect(apiUrl('/jobs', { offset: 0, q: '', phase: undefined, type: null, files: false })).toBe(
      '/api/jobs?offset=0&files=false',
    );
  });
  it('encodes what would break the address', () => {
    expect(apiUrl('/files', { parent_dir_path: '/a b/č&?' })).toBe(
      '/api/files?parent_dir_path=%2Fa+b%2F%C4%8D%26%3F',
    );
  });
});

describe('failureOf', () => {
  it('reads the API’s error shape', () => {
    const body = JSON.stringify({ detail: 'no', code: 'x', errors: [{ path: 'a', message: 'b' }] });
    expect(failureOf(422, 'Unprocessable', body, 'r1')).toMatchObject({
      status: 422,
      code: 'x',
      detail: 'no',
      errors: [{ path: 'a', message: 'b' }],
      requestId: 'r1',
    });
  });
  it('makes do with the status line where the body is a page of a proxy', () => {
    expect(failureOf(502, 'Bad Gateway', '<html>')).toMatchObject({
      code: 'http_502',
      detail: 'Bad Gateway',
      errors: [],
    });
  });
});

describe('requestJson', () => {
  it('returns what fits the schema', async () => {
    answers(Response.json({ a: 1 }));
    await expect(requestJson(z.object({ a: z.number() }), '/x')).resolves.toEqual({ a: 1 });
  });
  it('says where an answer differs from the contract', async () => {
    answers(Response.json({ a: 'one' }));
    await expect(requestJson(z.object({ a: z.number() }), '/x')).rejects.toMatchObject({
      code: 'unexpected_answer',
      detail: expect.stringContaining('/x: a '),
    });
  });
  it('tells the listeners when nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed to fetch')));
    const seen: boolean[] = [];
    const stop = onReachability((reachable) => seen.push(reachable));
    await expect(requestJson(z.unknown(), '/x')).rejects.toBeInstanceOf(ApiFailure);
    stop();
    expect(seen).toEqual([false]);
  });
  it('passes an abort on as it is, and does not call the API unreachable', async () => {
    const controller = new AbortController();
    controller.abort();
    vi.stubGlobal('fetch', () => Promise.reject(controller.signal.reason));
    const seen: boolean[] = [];
    const stop = onReachability((reachable) => seen.push(reachable));
    await expect(requestJson(z.unknown(), '/x', { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    stop();
    expect(seen).toEqual([]);
  });
});
