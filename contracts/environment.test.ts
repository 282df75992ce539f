import { describe, expect, it } from 'vitest';
import {
  effectiveEnvironment,
  EnvironmentError,
  readDatabaseUrl,
  readEnvironment as readWith,
  readEnvironmentOfUp as readOfUpWith,
  storageLocations,
  type Variables,
} from './environment.ts';

/** The files that there are. */
const readFile = (path: string): string => {
  const text = {
    '/run/secrets/db': 'very/secret\n',
    '/run/secrets/s3': 'very-secret',
    '/run/secrets/none': '\n',
  }[path];
  if (text === undefined) throw new Error(`there is no ${path}`);
  return text;
};
const readEnvironment = (variables: Variables) => readWith(variables, readFile);
const readEnvironmentOfUp = (variables: Variables) => readOfUpWith(variables, readFile);

const REQUIRED = {
  DATABASE_URL: 'postgres://spectra:very-secret@db.example:5432/spectra',
  TEMPORAL_ADDRESS: 'temporal.example:7233',
  FILES_URL: '/srv/files',
  TEMP_DIR: '/srv/temp',
  OBJECTS_URL: '/srv/objects',
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

describe('secrets in files', () => {
  const others = { ...REQUIRED, DATABASE_URL: '' };
  const DATABASE_URL = 'postgres://spectra@db.example:5432/spectra';

  it('are put where they belong, without the end of their line', () => {
    const variables = {
      ...others,
      DATABASE_URL,
      DATABASE_PASSWORD_FILE: '/run/secrets/db',
      AWS_ACCESS_KEY_ID: 'me',
      AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/s3',
    };
    const url = 'postgres://spectra:very%2Fsecret@db.example:5432/spectra';
    expect(readEnvironment(variables)).toMatchObject({
      DATABASE_URL: url,
      AWS_SECRET_ACCESS_KEY: 'very-secret',
    });
    expect(readDatabaseUrl({ DATABASE_URL, DATABASE_PASSWORD_FILE: '/run/secrets/db' }, readFile)).toBe(url);
    expect(JSON.stringify(effectiveEnvironment(variables))).not.toMatch(/very/);
  });

  it.each([
    [{ DATABASE_URL, DATABASE_PASSWORD_FILE: '/absent' }, 'DATABASE_PASSWORD_FILE: there is no /absent'],
    [
      { DATABASE_URL, DATABASE_PASSWORD_FILE: '/run/secrets/none' },
      'DATABASE_PASSWORD_FILE: the file is empty',
    ],
    [{ DATABASE_PASSWORD_FILE: '/run/secrets/db' }, 'DATABASE_URL is missing'],
    [
      { DATABASE_URL: REQUIRED.DATABASE_URL, DATABASE_PASSWORD_FILE: '/run/secrets/db' },
      'DATABASE_PASSWORD_FILE: DATABASE_URL has a password too',
    ],
    [
      {
        DATABASE_URL,
        AWS_ACCESS_KEY_ID: 'me',
        AWS_SECRET_ACCESS_KEY: 'a',
        AWS_SECRET_ACCESS_KEY_FILE: '/run/secrets/s3',
      },
      'AWS_SECRET_ACCESS_KEY_FILE: AWS_SECRET_ACCESS_KEY is given too',
    ],
  ])('of %j: %s', (variables, problem) => {
    expect(problemsOf(readEnvironment, { ...others, ...variables })).toEqual([problem]);
  });
});

it('ALLOWED_HOSTS are names without ports', () => {
  const hosts = (text: string) => readEnvironment({ ...REQUIRED, ALLOWED_HOSTS: text }).ALLOWED_HOSTS;
  expect(hosts('api, spectra.example.org ,[fd00::1]')).toEqual(['api', 'spectra.example.org', '[fd00::1]']);
  expect(problemsOf(readEnvironment, { ...REQUIRED, ALLOWED_HOSTS: 'api,*' })).toHaveLength(1);
  expect(problemsOf(readEnvironment, { ...REQUIRED, ALLOWED_HOSTS: 'api:10000' })).toHaveLength(1);
});

describe('the object store', () => {
  const locationOf = (variables: Variables) =>
    storageLocations(readEnvironment({ ...REQUIRED, ...variables })).objects;

  it('is a directory, or a bucket with a prefix', () => {
    expect(locationOf({})).toEqual({ directory: '/srv/objects' });
    expect(locationOf({ OBJECTS_URL: 'data/objects' })).toEqual({ directory: 'data/objects' });
    expect(locationOf({ OBJECTS_URL: 's3://spectra' })).toEqual({
      bucket: 'spectra',
      prefix: '',
      region: 'us-east-1',
    });
    expect(
      locationOf({
        OBJECTS_URL: 's3://spectra/of/us/',
        S3_ENDPOINT: 'http://s3.example:7070',
        S3_REGION: 'eu-central-1',
      }),
    ).toEqual({
      bucket: 'spectra',
      prefix: 'of/us',
      region: 'eu-central-1',
      endpoint: 'http://s3.example:7070',
    });
  });

  it.each(['s3://', 's3://B_ucket', 's3://spectra/a//b', 's3://spectra/../x', 'gs://spectra', 'file:///srv'])(
    'is not %s',
    (OBJECTS_URL) => {
      expect(problemsOf(readEnvironment, { ...REQUIRED, OBJECTS_URL })).toEqual([
        'OBJECTS_URL: is a directory, or s3://bucket/prefix',
      ]);
    },
  );

  it('has both of its keys or none, and shows one', () => {
    const half = { ...REQUIRED, AWS_ACCESS_KEY_ID: 'me', PORT: 'x' };
    expect(problemsOf(readEnvironment, half).map((problem) => problem.split(/[ :]/)[0])).toEqual([
      'PORT',
      'AWS_SECRET_ACCESS_KEY',
    ]);
    const shown = JSON.stringify(effectiveEnvironment({ ...half, AWS_SECRET_ACCESS_KEY: 'very-secret' }));
    expect(shown).toContain('"me"');
    expect(shown).not.toContain('very-secret');
  });
});

describe('the file store', () => {
  const s3 = { FILES_URL: 's3://spectra/files', OBJECTS_URL: 's3://spectra/objects' };

  it('is where its URL says, with an archive of its own or part of it', () => {
    expect(storageLocations(readEnvironment(REQUIRED))).toEqual({
      objects: { directory: '/srv/objects' },
      files: { directory: '/srv/files' },
    });
    const archive = { ...REQUIRED, ...s3, SPECTRA_URL: 's3://spectra/files-of-lamost' };
    expect(storageLocations(readEnvironment(archive))).toMatchObject({
      files: { bucket: 'spectra', prefix: 'files' },
      spectra: { bucket: 'spectra', prefix: 'files-of-lamost' },
    });
  });

  it.each([
    [{ SPECTRA_URL: '/archive' }, 'SPECTRA_URL and FILES_URL must both be directories, or both be on S3'],
    [{ SPECTRA_URL: 's3://spectra/files/old' }, 'SPECTRA_URL and FILES_URL must not lie in each other'],
    [{ OBJECTS_URL: 's3://spectra' }, 'OBJECTS_URL and FILES_URL must not lie in each other'],
  ])('is refused with %j', (variables, problem) => {
    expect(problemsOf(readEnvironment, { ...REQUIRED, ...s3, ...variables })).toEqual([problem]);
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
    expect(valueOf(variables, 'SPECTRA_URL')).toMatchObject({ value: null, source: 'not set' });
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
