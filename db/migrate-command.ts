import { readFileSync } from 'node:fs';
import { EnvironmentError, readDatabaseUrl } from '../contracts/environment.ts';
import { migrateDatabase } from './migrate.ts';

// `node dist/db/migrate-command.js`: DATABASE_URL's schema, brought up to date.
try {
  await migrateDatabase(readDatabaseUrl(process.env, (path) => readFileSync(path, 'utf8')));
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  console.error(error.message);
  process.exit(2);
}
