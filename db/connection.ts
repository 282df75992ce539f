import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import * as schema from './schema.ts';

export type Database = NodePgDatabase<typeof schema> & { $client: Pool };
/** What `db.transaction` hands to its work. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface Connection {
  db: Database;
  pool: Pool;
  /** Waits for running queries. */
  close: () => Promise<void>;
}

/** Opens a pool of connections to PostgreSQL; none is made before the first query. */
export function connect(url: string): Connection {
  const pool = new Pool({ connectionString: url, max: 20, connectionTimeoutMillis: 10_000 });
  // An idle connection that the server ends is replaced at the next query; unheard, its error would end us.
  pool.on('error', () => undefined);
  // Nor does one that ends between two queries of a transaction: the next query tells.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { db: drizzle(pool, { schema }), pool, close: () => pool.end() };
}
