import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import express, { type NextFunction, type Request, type Response } from 'express';
import { pino } from 'pino';
import { HttpError } from '../../api/errors.ts';
import { fileRoutes } from '../../api/routes/files.ts';
import { spectraRoutes } from '../../api/routes/spectra.ts';
import { connect } from '../../db/connection.ts';
import { startPostgres } from '../../deploy/embedded/postgres.ts';
import { createFileStore } from '../../storage/file-store.ts';

/** The files and spectra resources on a PostgreSQL and a file store of their own. */
export async function startApi({ spectraDir }: { spectraDir?: string } = {}) {
  const base = await mkdtemp(join(tmpdir(), 'api of a test '));
  const postgres = await startPostgres({
    dataDir: join(base, 'postgres'),
    logFile: join(base, 'postgres.log'),
  });
  const { db, close } = connect(postgres.url);
  await migrate(db, { migrationsFolder: 'db/migrations' });
  const root = join(base, 'files');
  const tempDir = join(base, 'tmp');
  const files = await createFileStore({ root, tempDir, spectraDir });
  const log = pino({ level: 'silent' });
  const app = express();
  app.use((request, _response, next) => {
    request.log = log;
    next();
  });
  for (const route of [...fileRoutes({ db, files }), ...spectraRoutes({ db, files })])
    app[route.method](route.path.replaceAll(/\{(\w+)\}/g, ':$1'), ...route.handlers);
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (error instanceof HttpError) response.status(error.status).json(error.toBody());
    else next(error);
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  return {
    url: `http://127.0.0.1:${address.port}/api`,
    db,
    root,
    tempDir,
    async close() {
      server.closeAllConnections();
      server.close();
      await close();
      await postgres.stop();
      await rm(base, { recursive: true, force: true });
    },
  };
}
