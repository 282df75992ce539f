import { z } from 'zod';

const CHARACTER = '[^\\u0000]';

/**
 * Unicode text of `min` to `max` characters (code points, as JSON Schema counts them) that PostgreSQL can keep: without
 * NUL. It keeps no half of a surrogate pair either, but no schema can say that: the API refuses it beside the schemas.
 */
export function text({ min = 0, max }: { min?: number; max: number }) {
  return z
    .string()
    .regex(new RegExp(`^${CHARACTER}{${min},${max}}$`, 'u'), `must be ${min} to ${max} characters, none NUL`)
    .meta({ minLength: min, maxLength: max });
}

/** As text, however long. */
export const AnyText = z.string().regex(new RegExp(`^${CHARACTER}*$`), 'must not hold NUL characters');
