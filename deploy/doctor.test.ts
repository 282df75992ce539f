import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { line } from '../cli/doctor.ts';
import { examine, judgeDisk, judgeMemory } from './doctor.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'a machine '));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

it('finds nothing on an empty machine, and says for each thing what to do', async () => {
  vi.stubEnv('PATH', directory);
  vi.stubEnv('CXX', '');
  vi.stubEnv('XDG_CACHE_HOME', directory);
  vi.stubEnv('TEMPORAL_CLI_PATH', '');
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  vi.stubEnv('DATABASE_URL', 'postgres://db.example/spectra');
  const said: string[] = [];
  const data = join(directory, 'not', 'there yet');
  const findings = await examine({ data, setUp: false, say: (message) => said.push(message) });
  const states = Object.fromEntries(findings.map(({ name, state }) => [name, state]));
  expect(states).toMatchObject({
    'Node.js': 'ok',
    PostgreSQL: 'ok',
    Temporal: 'missing',
    TensorFlow: 'missing',
    'C++ compiler': 'note',
  });
  for (const { state, action } of findings) if (state === 'missing') expect(action).toMatch(/\w/);
  expect(findings.find(({ name }) => name === 'Data directory')?.found).toContain(data);
  expect(said).toEqual([]);
});

it('judges disk and memory by what a training takes', () => {
  const GIB = 1024 ** 3;
  expect([100, 5, 0.5].map((gib) => judgeDisk('/data', gib * GIB).state)).toEqual(['ok', 'note', 'missing']);
  expect(judgeDisk('/data', 5 * GIB).action).toContain('--data DIR');
  expect([16, 2].map((gib) => judgeMemory(gib * GIB).state)).toEqual(['ok', 'note']);
});

it('prints a finding in one line', () => {
  const finding = {
    name: 'Temporal',
    state: 'missing' as const,
    found: 'two\n  lines',
    action: 'fetch it',
  };
  expect(line(finding)).toBe('MISSING  Temporal         two lines → fetch it');
});
