import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import rooms from './rooms.cjs';

const CONFIGURATION = [
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.node.json',
  'tsconfig.web.json',
];
/** A start that waits for another one's install or build gives up after this. */
const LOCK_TIMEOUT_MS = 15 * 60_000;

/** @throws Error where this Node is not one that we run on */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12)) return;
  throw new Error(
    `Spectrolabe needs Node.js 20 (from 20.19) or 22 (from 22.12); this is ${process.version}.`,
  );
}

/** Installs the dependencies and builds dist/, each only when it is absent or older than what it is made from. */
export function ensureReady(root) {
  if (isInstalled(root) && isBuilt(root)) return;
  withLock(join(root, '.setting-up'), () => {
    if (!isInstalled(root)) install(root);
    if (!isBuilt(root)) build(root);
  });
}

/** Installs the dependencies alone, where they are absent or stale. */
export function ensureInstalled(root) {
  if (!isInstalled(root)) withLock(join(root, '.setting-up'), () => !isInstalled(root) && install(root));
}

function isInstalled(root) {
  return stampIs(join(root, 'node_modules', '.spectrolabe-lock'), hashOf(root, ['package-lock.json']));
}

function install(root) {
  say('Installing dependencies (npm ci) …');
  // Ours decides what is installed, not the environment this runs in.
  const environment = {
    ...process.env,
    NODE_ENV: undefined,
    npm_config_omit: undefined,
    npm_config_production: undefined,
  };
  run(root, 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], environment);
  writeFileSync(join(root, 'node_modules', '.spectrolabe-lock'), hashOf(root, ['package-lock.json']));
}

function isBuilt(root) {
  return stampIs(join(root, 'dist', '.spectrolabe-sources'), sourcesHash(root));
}

/** Compiles the server, bundles the workflows and builds the dashboard. */
export function build(root) {
  say('Building …');
  const hash = sourcesHash(root);
  // Beside, then renamed: a stack that runs from dist/ meanwhile can still start its parts again.
  const fresh = join(root, 'dist.building');
  const old = join(root, 'dist.old');
  for (const directory of [fresh, old]) rmSync(directory, { recursive: true, force: true });
  mkdirSync(fresh);
  const node = (path, ...args) => run(root, process.execPath, [join(root, ...path.split('/')), ...args]);
  node(
    'node_modules/typescript/bin/tsc',
    ...['-p', 'tsconfig.node.json', '--outDir', fresh, '--noCheck', '--composite', 'false'],
    ...['--declaration', 'false', '--tsBuildInfoFile', 'null'],
  );
  node('dist.building/workers/bundle-command.js', join(fresh, 'workflow-bundle.js'));
  node(
    'node_modules/vite/bin/vite.js',
    ...['build', '--config', 'web/vite.config.ts', '--logLevel', 'error', '--outDir', join(fresh, 'web')],
  );
  writeFileSync(join(fresh, '.spectrolabe-sources'), hash);
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(fresh, join(root, 'dist'));
  rmSync(old, { recursive: true, force: true });
}

function sourcesHash(root) {
  const files = rooms
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(directory, name),
      ),
    )
    .filter((path) => !path.endsWith('.test.ts') && !path.startsWith(join('bench', 'results')))
    .filter((path) => statSync(join(root, path)).isFile());
  return hashOf(root, [...files.sort(), ...CONFIGURATION]);
}

/** Over paths below the root: a tree that was moved or copied is not stale. */
function hashOf(root, files) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function stampIs(file, expected) {
  return existsSync(file) && readFileSync(file, 'utf8') === expected;
}

/** Its output goes to standard error: standard output belongs to the command that follows. */
function run(root, command, args, env = process.env) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (error) throw new Error(`${command} cannot be started: ${error.message}`);
  if (status !== 0)
    throw new Error(
      `${command} ${args.slice(0, 2).join(' ')} failed (${signal ?? status}); what it said stands above.`,
    );
}

/** Two starts at once must not install or build over each other. A lock of a dead process is taken over. */
function withLock(file, work) {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  let hasSaid = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(existsSync(file) ? readFileSync(file, 'utf8') : 0);
    if (holder > 0 && !isRunning(holder)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!hasSaid) say(`Waiting for process ${holder}, which installs or builds here …`);
    hasSaid = true;
    if (Date.now() > deadline)
      throw new Error(`Process ${holder} still installs or builds; if it hangs, end it and delete ${file}.`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
  try {
    work();
  } finally {
    rmSync(file, { force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function say(message) {
  process.stderr.write(`${message}\n`);
}
