import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../deploy/embedded/cache.ts';

const run = promisify(execFile);

/** The versions of the images in docker-compose.yml. */
const SERVER_VERSION = '1.32.0';
const UI_VERSION = '2.54.1';
const SERVER = 'go.temporal.io/server';
const UI = 'github.com/temporalio/ui-server/v2';

/**
 * A directory with what Temporal's images hold: `temporal-server`, `temporal-sql-tool`, and `ui-server` with its
 * `config/docker.yaml`. From our cache, where TEST_TEMPORAL=build has Go build them (ten minutes, once).
 * @returns undefined where they are not there, said once
 */
export async function findTemporalServer(): Promise<string | undefined> {
  const directory = join(cacheDirectory(), `temporal-server-${SERVER_VERSION}`);
  if (existsSync(directory)) return directory;
  if (process.env['TEST_TEMPORAL'] !== 'build') {
    console.log(
      'Temporal on PostgreSQL is not tested: its development server stands for it. TEST_TEMPORAL=build has Go build the real one into the cache, once.',
    );
    return undefined;
  }
  const beside = join(cacheDirectory(), `temporal-server-${randomUUID()}`);
  await mkdir(join(beside, 'config'), { recursive: true });
  try {
    for (const [program, name, built] of [
      [`${SERVER}/cmd/server@v${SERVER_VERSION}`, 'temporal-server', 'server'],
      [`${SERVER}/cmd/tools/sql@v${SERVER_VERSION}`, 'temporal-sql-tool', 'sql'],
      [`${UI}/cmd/server@v${UI_VERSION}`, 'ui-server', 'server'],
    ] as const) {
      console.log(`Building ${program} …`);
      await run('go', ['install', program], { cwd: beside, env: { ...process.env, GOBIN: beside } });
      await rename(join(beside, built), join(beside, name));
    }
    const { stdout } = await run('go', ['env', 'GOMODCACHE'], { cwd: beside });
    const configuration = join(beside, 'config', 'docker.yaml');
    await copyFile(join(stdout.trim(), `${UI}@v${UI_VERSION}`, 'config', 'docker.yaml'), configuration);
    await chmod(configuration, 0o644);
    await rename(beside, directory);
    return directory;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
