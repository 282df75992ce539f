import express, { type Request, type RequestHandler } from 'express';
import { MAX_CONFIG_BYTES } from '../contracts/limits.ts';
import { HttpError, invalid } from './errors.ts';

/** Fields of a form: each name in lower case (DALI 1.1: names are not case-sensitive) with its values in order. */
export type Form = ReadonlyMap<string, readonly string[]>;

/** Reads the body of a form as bytes; `formOf` takes it from there. */
export const receiveForm: RequestHandler = express.raw({ type: () => true, limit: MAX_CONFIG_BYTES });

/**
 * The fields of a request that `receiveForm` has read, urlencoded or multipart; none where there is no body. Whoever keeps
 * one asks whether it can be stored.
 * @throws HttpError 415 where it is no form, 422 where it cannot be read or holds a file
 */
export async function formOf(request: Request): Promise<Form> {
  const body: unknown = request.body;
  const form = new Map<string, string[]>();
  if (!(body instanceof Uint8Array) || body.length === 0) return form;
  const contentType = request.headers['content-type'] ?? '';
  if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(contentType))
    throw new HttpError(
      415,
      'not_a_form',
      'Parameters are sent as application/x-www-form-urlencoded or multipart/form-data',
    );
  let fields: FormData;
  try {
    fields = await new Response(Uint8Array.from(body), {
      headers: { 'Content-Type': contentType },
    }).formData();
  } catch (error) {
    if (error instanceof TypeError) throw invalid('The form cannot be read');
    throw error;
  }
  for (const [name, value] of fields) {
    if (typeof value !== 'string')
      throw invalid(`${name} is a file: upload it with POST /api/files and give its path`);
    const key = name.toLowerCase();
    form.set(key, [...(form.get(key) ?? []), value]);
  }
  return form;
}
