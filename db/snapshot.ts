import { sql, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { Database } from './connection.ts';

/** Rows fetched at once: what is made of them is made in one go, some 5 ms in which nobody else has a turn. */
const ROWS_AT_ONCE = 500;
/** Each holds a connection for as long as its reader takes; the others of the pool are for everybody else. */
const MAX_SNAPSHOTS = 6;
/** A reader that takes nothing for so long loses its connection. */
const IDLE_TIMEOUT = '2min';

/** Rows of a query, a few in memory at a time, as the database had them when the snapshot began. */
export type ReadRows = (query: SQL) => AsyncGenerator<Record<string, unknown>>;

/**
 * Makes the function that reads one state of the database: what `read` makes of it, however often it queries and however
 * many rows there are. The snapshot ends with its reader, early too. Where too many are open, one waits.
 */
export function createSnapshots(
  db: Database,
): <T>(read: (rows: ReadRows) => AsyncIterable<T>) => AsyncGenerator<T> {
  let open = 0;
  const waiting: (() => void)[] = [];

  return async function* inSnapshot(read) {
    if (open < MAX_SNAPSHOTS) open++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      const client = await db.$client.connect();
      try {
        const connection = drizzle(client);
        await client.query('begin isolation level repeatable read, read only');
        await client.query(`set local idle_in_transaction_session_timeout = '${IDLE_TIMEOUT}'`);
        let cursors = 0;
        yield* read(async function* (query) {
          const cursor = `rows_${cursors++}`;
          await connection.execute(sql`declare ${sql.identifier(cursor)} no scroll cursor for ${query}`);
          for (let count = ROWS_AT_ONCE; count === ROWS_AT_ONCE;) {
            const { rows } = await client.query<Record<string, unknown>>(
              `fetch ${ROWS_AT_ONCE} from ${cursor}`,
            );
            count = rows.length;
            yield* rows;
          }
          await client.query(`close ${cursor}`);
        });
      } finally {
        // A connection that cannot even do this is broken: the pool makes another.
        const isSound = await client.query('rollback').then(
          () => true,
          () => false,
        );
        client.release(!isSound);
      }
    } finally {
      const next = waiting.shift();
      if (next) next();
      else open--;
    }
  };
}
