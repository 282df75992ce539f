import { z } from 'zod';

/** The one shape of every error answer. `code` is for programs, `detail` for people. */
export const ApiError = z
  .object({
    detail: z.string(),
    code: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Error', description: 'What went wrong, and where in the request' });
export type ApiError = z.infer<typeof ApiError>;

/** `path` of a zod issue as people write it: `required_ranges[0][1]`. */
export function issuePath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    '',
  );
}

/** The problems of a failed parse, one entry each, in the form of `ApiError.errors`. */
export function problemsOf(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.map((issue) => ({ path: issuePath(issue.path), message: issue.message }));
}
