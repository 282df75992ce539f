#!/usr/bin/env node
// npm test: installs what the tests need, runs everything, and ends with one line `N passed, N failed`.
//   node test/run.mjs            all
//   node test/run.mjs unit       unit tests only (no server, no build)
//   node test/run.mjs faults     kill -9 at random moments, in many more rounds (FAULT_ROUNDS, 20)
//   node test/run.mjs lint|types
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode, ensureInstalled, ensureReady } from '../bin/ensure-ready.mjs';
import rooms from '../bin/rooms.cjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'test-results');
const total = { passed: 0, failed: 0, skipped: 0 };
const notes = [];
/** What failed, told again at the end: the beginning of a long output is often not kept. */
const failures = [];

function tool(path, ...args) {
  return [process.execPath, join(root, 'node_modules', ...path.split('/')), ...args];
}

/** Runs a command with its output shown. @returns whether it ended with 0 */
function run([command, ...args], env = process.env) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/**
 * Steps that are one check each, which passes or fails as a whole: as many at once as there are cores; what one says is
 * shown once it has ended.
 */
async function check(steps) {
  const open = Object.entries(steps);
  const work = async () => {
    for (let next = open.shift(); next; next = open.shift()) {
      const [name, [command, ...args]] = next;
      const began = Date.now();
      const { error, said } = await new Promise((resolve) =>
        execFile(command, args, { cwd: root, maxBuffer: Infinity }, (failure, stdout, stderr) =>
          resolve({ error: failure, said: stdout + stderr }),
        ),
      );
      if (said) console.log(said.trimEnd());
      if (error && typeof error.code !== 'number') console.error(`${command}: ${error.message}`);
      total[error ? 'failed' : 'passed']++;
      if (error) failures.push(failureOf('check', name, [said.trim()]));
      console.log(`${error ? '✗' : '✓'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

function failureOf(file, test, messages) {
  const lines = messages.join('\n').split('\n').slice(0, 12);
  return [`FAILED ${file} > ${test}`, ...lines.map((line) => `  ${line.slice(0, 300)}`)].join('\n');
}

/** Tests of one vitest project, counted from its report; a run without a report is a failure. `only`: a part of paths. */
function tests(project, env, only = []) {
  const report = join(results, `${project}.json`);
  rmSync(report, { force: true });
  const ended = run(
    tool(
      'vitest/vitest.mjs',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...only,
    ),
    env,
  );
  if (!existsSync(report)) {
    total.failed++;
    notes.push(`the ${project} tests ended without a report`);
    return;
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that fails outside of its tests (an import, a hook) holds none that failed.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  total.passed += numPassedTests;
  total.failed += numFailedTests + brokenFiles;
  total.skipped += numPendingTests + numTodoTests;
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of failed)
      failures.push(failureOf(file, fullName, failureMessages));
    if (status === 'failed' && failed.length === 0)
      failures.push(failureOf(file, 'outside of its tests', [message]));
    const skipped = assertionResults.filter(
      ({ status }) => status === 'pending' || status === 'skipped',
    ).length;
    if (skipped > 0) notes.push(`${skipped} skipped in ${file}; what it printed says why`);
  }
  if (!ended && numFailedTests + brokenFiles === 0) {
    total.failed++;
    notes.push(`the ${project} tests ended with an error outside of any test`);
  }
}

function onPath(...names) {
  for (const name of names)
    for (const directory of (process.env.PATH ?? '').split(delimiter))
      if (directory && existsSync(join(directory, name))) return join(directory, name);
  return undefined;
}

/** A Chromium: named, found, through Playwright, or Debian's when root; undefined where there is none to be had. */
async function findChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const { chromium } = await import('playwright-core');
  const playwrights = () => (existsSync(chromium.executablePath()) ? chromium.executablePath() : undefined);
  const found = onPath(...names) ?? playwrights();
  if (found) return found;
  console.log('Fetching Chromium through Playwright …');
  const quiet = { cwd: root, stdio: 'ignore', timeout: 300_000 };
  spawnSync(...split(tool('playwright-core/cli.js', 'install', 'chromium')), quiet);
  if (playwrights()) return playwrights();
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    console.log('Installing Debian’s Chromium …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { ...quiet, env });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      ...quiet,
      env,
      timeout: 600_000,
    });
  }
  return onPath(...names);
}

const split = ([command, ...args]) => [command, args];

const LINT = {
  eslint: tool('eslint/bin/eslint.js', '.'),
  formatting: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  'who imports whom': tool(
    'dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'err',
    ...rooms,
  ),
};
const TYPES = {
  'types of the dashboard': tool('vue-tsc/bin/vue-tsc.js', '-p', 'tsconfig.web.json', '--noEmit'),
  'types of the server': tool('typescript/bin/tsc', '-p', 'tsconfig.node.json', '--noEmit'),
};

/** Environment of tests that start servers, with the programs that they need. */
async function serverEnvironment() {
  ensureReady(root);
  const env = { ...process.env };
  const { findTemporal, findTemporalTestServer } =
    await import('../dist/deploy/embedded/temporal-binaries.js');
  const say = (message) => console.log(message);
  env.TEMPORAL_CLI_PATH = await findTemporal(say);
  env.TEMPORAL_TEST_SERVER_PATH = await findTemporalTestServer(say);
  return env;
}

async function integration() {
  const env = await serverEnvironment();
  const chromium = await findChromium();
  if (chromium) env.CHROMIUM_PATH = chromium;
  else
    notes.push(
      'the browser tests were skipped: there is no Chromium, and none could be fetched (set CHROMIUM_PATH)',
    );
  for (const project of ['integration', 'workflows', 'browser']) tests(project, env);
}

const what = process.argv[2] ?? 'all';
const began = Date.now();
try {
  checkNode();
  if (!['all', 'unit', 'integration', 'faults', 'lint', 'types'].includes(what))
    throw new Error(`there is no part called ${what}`);
  ensureInstalled(root);
  mkdirSync(results, { recursive: true });
  await check({
    ...(what === 'all' || what === 'lint' ? LINT : {}),
    ...(what === 'all' || what === 'types' ? TYPES : {}),
  });
  if (what === 'all' || what === 'unit') tests('unit');
  if (what === 'all' || what === 'integration') await integration();
  if (what === 'faults')
    tests('integration', { FAULT_ROUNDS: '20', ...(await serverEnvironment()) }, ['test/faults']);
} catch (error) {
  total.failed++;
  notes.push(error instanceof Error ? error.message : String(error));
}
for (const failure of failures) console.log(failure);
for (const note of notes) console.log(`note: ${note}`);
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
