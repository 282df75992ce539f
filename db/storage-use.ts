import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { StorageUse } from '../contracts/system.ts';
import type { Database } from './connection.ts';
import { artifacts, spectra } from './schema.ts';

/** PostgreSQL says sums of bigint as text. */
const Count = z.coerce.number();
const Row = z.object({
  spectra_count: Count,
  spectra_bytes: Count,
  results_count: Count,
  results_bytes: Count,
  database_bytes: Count,
});

/** How many spectra and results there are and how many bytes they take, without looking at a file. */
export async function readStorageUse(db: Database): Promise<Omit<StorageUse, 'disk'>> {
  const { rows } = await db.execute(sql`
    select spectra_count, spectra_bytes, results_count, results_bytes,
      pg_database_size(current_database()) as database_bytes
    from (select count(*) as spectra_count, coalesce(sum(${spectra.size}), 0) as spectra_bytes from ${spectra}) archive,
      (select count(*) as results_count, coalesce(sum(${artifacts.bytes}), 0) as results_bytes from ${artifacts}) made`);
  const row = Row.parse(rows[0]);
  return {
    spectra: { count: row.spectra_count, bytes: row.spectra_bytes },
    results: { count: row.results_count, bytes: row.results_bytes },
    database_bytes: row.database_bytes,
  };
}
