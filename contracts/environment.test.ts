import { describe, expect, it } from 'vitest';
import {
  effectiveEnvironment,
  EnvironmentError,
  readEnvironment,
  readEnvironmentOfUp,
  type Variables,
} from './environment.ts';

const REQUIRED = {
  DATABASE_URL: 'postgres://spectra:very-secret@db.example:5432/spectra',
  TEMPORAL_ADDRESS: 'temporal.example:7233',
  FILES_DIR: '/srv/files',
  TEMP_DIR: '/srv/temp',
  OBJECTS_DIR: '/srv/objects',
};

function problemsOf(read: (variables: Variables) => unknown, variables: Variables): readonly string[] {
  try {
    read(variables);
    return [];
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
    throw error;
  }
}

describe('readEnvironment', () => {
  it('fills in the defaults, and takes an empty variable as absent', () => {
    expect(readEnvironment({ ...REQUIRED, PORT: '', LOG_LEVEL: 'debug', UNKNOWN: 'x' })).toMatchObject({
      ...REQUIRED,
      PORT: 10000,
      LOG_LEVEL: 'debug',
      CORS_ORIGINS: ['http://localhost:10300'],
    });
  });

  it('names all problems at once, and no value', () => {
    const wrong = {
      ...REQUIRED,
      DATABASE_URL: 'mysql://root:very-secret@db',
      TEMP_DIR: '',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      PARTS_BYTES: 'many',
    };
    const problems = problemsOf(readEnvironment, wrong);
    expect(problems.map((problem) => /^\w+/.exec(problem)?.[0]).sort()).toEqual([
      'DATABASE_URL',
      'LOG_LEVEL',
      'PARTS_BYTES',
      'PORT',
      'TEMP_DIR',
    ]);
    expect(problems).toContain('TEMP_DIR is missing');
    expect(problems.join()).not.toContain('very-secret');
  });
});

it('readEnvironmentOfUp needs nothing, judges what is given, and looks past what up sets itself', () => {
  expect(problemsOf(readEnvironmentOfUp, {})).toEqual([]);
  expect(problemsOf(readEnvironmentOfUp, { HOST: 'my-laptop', PORT: 'none' })).toEqual([]);
  expect(problemsOf(readEnvironmentOfUp, { CPU_THREADS: '0', TEMPORAL_ADDRESS: 'here' })).toHaveLength(2);
});

describe('effectiveEnvironment', () => {
  const valueOf = (variables: Variables, name: string) =>
    effectiveEnvironment(variables).find((variable) => variable.name === name);

  it('says what holds and where it is from', () => {
    const variables = { ...REQUIRED, PORT: '12000' };
    expect(valueOf(variables, 'PORT')).toEqual({ name: 'PORT', value: '12000', source: 'environment' });
    expect(valueOf(variables, 'LOG_LEVEL')).toMatchObject({ value: 'info', source: 'default' });
    expect(valueOf(variables, 'PARTS_BYTES')).toMatchObject({ value: '21474836480', source: 'default' });
    expect(valueOf(variables, 'SPECTRA_DIR')).toMatchObject({ value: null, source: 'not set' });
  });

  it.each([
    [REQUIRED.DATABASE_URL, 'postgres://spectra:****@db.example:5432/spectra'],
    ['postgres://db/spectra?user=me&password=very-secret', 'postgres://db/spectra?user=me&password=****'],
    ['postgres://me:very/secret@db:5432/spectra', '****'],
    ['me:very-secret@db', '****'],
    ['postgres://me@db/spectra?sslmode=require', 'postgres://me@db/spectra?sslmode=require'],
  ])('masks %s', (given, shown) => {
    expect(valueOf({ DATABASE_URL: given }, 'DATABASE_URL')?.value).toBe(shown);
  });
});
