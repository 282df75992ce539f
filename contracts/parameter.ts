import { z } from 'zod';

/** A whole number in a query or a header. */
export const wholeNumber = ({ min = 0, max }: { min?: number; max: number }) =>
  z.coerce.number().int().min(min).max(max);

/** How many rows of a list are passed over. */
export const Offset = wholeNumber({ max: 2 ** 31 - 1 }).default(0);
