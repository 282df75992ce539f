import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../storage/package-root.ts';
import { startTestServer, type TestServer } from './test-server.ts';

/** `SCHEMATHESIS_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/api/schemathesis`. */
const PYTHON = process.env['SCHEMATHESIS_PYTHON'] ?? 'python3';
const missing =
  spawnSync(PYTHON, ['-c', 'import schemathesis']).status !== 0
    ? `${PYTHON} has no schemathesis (set SCHEMATHESIS_PYTHON)`
    : undefined;
if (missing) console.log(`The API was not tried by Schemathesis: ${missing}.`);

let server: TestServer;
beforeAll(async () => {
  if (!missing) server = await startTestServer();
});
afterAll(() => server?.close());

it.skipIf(missing)(
  'answers whatever requests the OpenAPI document gives rise to as the document says',
  async () => {
    const run = spawn(
      PYTHON,
      [
        ...['-m', 'schemathesis.cli', 'run', `${server.url}/openapi.json`, '--checks', 'all'],
        ...['--max-examples', '5', '--continue-on-failure', '--no-color', '--request-timeout', '1'],
        // There is no Temporal here: these say so, by 503.
        ...['--exclude-path-regex', '^/api/(ready|workers|jobs/{job_id}/steps)$'],
        ...['--generation-database', 'none'],
      ],
      // Where schemathesis.toml lies.
      { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    run.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = await once(run, 'exit');
    expect(status, said.slice(said.indexOf('FAILURES'))).toBe(0);
  },
  900_000,
);
