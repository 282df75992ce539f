import { JobListQuery } from '../../../contracts/job.ts';

/** What the jobs list asks for, out of the address; what an old or mistyped link holds wrong is left out. */
export function jobListQueryOf(query: Readonly<Record<string, string>>, limit: number): JobListQuery {
  const { offset, phase, type, q, sort } = JobListQuery.shape;
  return {
    offset: offset.safeParse(query['offset']).data ?? 0,
    limit,
    phase: phase.safeParse(query['phase']).data,
    type: type.safeParse(query['type']).data,
    q: q.safeParse(query['q']).data,
    sort: sort.safeParse(query['sort']).data,
  };
}
