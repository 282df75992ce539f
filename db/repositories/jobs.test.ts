import { expect, it } from 'vitest';
import { FileName } from '../../contracts/file.ts';
import { jobDirectoryPath } from './jobs.ts';

const ID = '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0';

it.each([
  ['Be stars', 'be_stars'],
  ['a/b\\c..', 'abc'],
  ['../../etc', 'etc'],
  ['Ähre №2\t-_', 'ähre_2_-_'],
  ['e\u0301toile', 'étoile'],
  ['***', ''],
])('names the directory of %s job_%s_<id>', (label, name) => {
  expect(jobDirectoryPath(label, ID)).toBe(`/JOBS/job_${name}_${ID}`);
});

it('stays a valid name for the longest labels', () => {
  for (const label of ['İ'.repeat(50), '𝒜'.repeat(25), '漢'.repeat(50)]) {
    const name = jobDirectoryPath(label, ID).slice('/JOBS/'.length);
    expect(FileName.safeParse(name).success).toBe(true);
  }
});
