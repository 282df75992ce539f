import { z } from 'zod';

/** Where bytes lie. Only such references travel through workflows; never the bytes themselves. */
export const ObjectReference = z.object({
  uri: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().nonnegative(),
});
export type ObjectReference = z.infer<typeof ObjectReference>;
