import { migrateDatabase } from './migrate.ts';

// `node dist/db/migrate-command.js`: DATABASE_URL's schema, brought up to date.
const url = process.env['DATABASE_URL'];
if (!url) {
  console.error('DATABASE_URL is not set');
  process.exit(2);
}
await migrateDatabase(url);
