import { expect, it } from 'vitest';
import { jobListQueryOf } from './job-filters.ts';

it('takes what is right in the address and leaves out what is not', () => {
  expect(jobListQueryOf({ offset: '25', phase: 'ERROR', type: 'ACTIVE_ML', q: 'be' }, 25)).toEqual({
    offset: 25,
    limit: 25,
    phase: 'ERROR',
    type: 'ACTIVE_ML',
    q: 'be',
  });
  expect(jobListQueryOf({ offset: '-1', phase: 'DONE', type: 'x' }, 25)).toEqual({ offset: 0, limit: 25 });
});
