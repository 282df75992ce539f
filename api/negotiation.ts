import type { Request } from 'express';
import { HttpError } from './errors.ts';

/**
 * Which of some formats the client gets: the one it names in the query, else the one that its Accept header prefers; of
 * several that it likes equally the first.
 * @param mediaTypes of each format that is offered
 * @throws HttpError 406 where it takes none of them
 */
export function chooseFormat<F extends string>(
  request: Request,
  asked: F | undefined,
  mediaTypes: Readonly<Record<F, string>>,
): F {
  // Caches keep one answer for each Accept header.
  request.res?.vary('Accept');
  if (asked !== undefined) return asked;
  for (const format in mediaTypes) if (accepted(request, mediaTypes) === mediaTypes[format]) return format;
  throw new HttpError(
    406,
    'not_acceptable',
    `The answer is there as ${Object.values<string>(mediaTypes).join(', ')}`,
  );
}

/** The preferred media type, as it stands in `mediaTypes`; undefined where there is none. */
function accepted(request: Request, mediaTypes: Readonly<Record<string, string>>): string | undefined {
  const essences = new Map(Object.values(mediaTypes).map((type) => [type.replace(/;.*/, ''), type]));
  const found = request.accepts([...essences.keys()]);
  return found === false ? undefined : essences.get(found);
}
