import { startTestServer } from './test-server.ts';

/** The API on a PostgreSQL and a file store of its own; an archive of its own too, or `spectraDir` read-only. */
export async function startApi({ spectraDir }: { spectraDir?: string } = {}) {
  const server = await startTestServer(spectraDir === undefined ? {} : { SPECTRA_URL: spectraDir });
  return {
    url: server.url,
    db: server.db,
    root: server.environment.FILES_URL,
    tempDir: server.environment.TEMP_DIR,
    close: () => server.close(),
  };
}
