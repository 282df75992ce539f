import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { msToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import { NAMESPACE, SEARCH_ATTRIBUTES } from '../../contracts/task-queues.ts';

/** Closed runs stay to be looked at for as long as anybody may ask how a result came about. */
const RETENTION = '3650d';
/** A server's parts learn of a new namespace after some ten seconds. */
const KNOWN_MS = 60_000;
/** grpc.status */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

/** Makes our namespace where a Temporal server lacks it, keeps its closed runs, and registers our search attributes. */
export async function prepareNamespace(address: string): Promise<void> {
  await keepClosedRuns(address);
  for (const deadline = Date.now() + KNOWN_MS; ; await sleep(500)) {
    try {
      await registerSearchAttributes(address);
      return;
    } catch (error) {
      if (statusOf(error) !== NOT_FOUND || Date.now() > deadline) throw error;
    }
  }
}

/** Registers the search attributes that a Temporal server lacks. */
export async function registerSearchAttributes(address: string): Promise<void> {
  await withConnection(address, async ({ operatorService }) => {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace: NAMESPACE });
    const missing = Object.entries(SEARCH_ATTRIBUTES)
      .filter(([name]) => !(name in customAttributes))
      .map(([name]) => [name, encodeSearchAttributeIndexedValueType('KEYWORD')]);
    if (missing.length === 0) return;
    await operatorService.addSearchAttributes({
      namespace: NAMESPACE,
      searchAttributes: Object.fromEntries(missing),
    });
  });
}

/** A server forgets closed runs after a day, or some days, unless told otherwise. */
async function keepClosedRuns(address: string): Promise<void> {
  await withConnection(address, async ({ workflowService }) => {
    const retention = msToTs(RETENTION);
    const found = await workflowService
      .describeNamespace({ namespace: NAMESPACE })
      .catch((error: unknown) => {
        if (statusOf(error) === NOT_FOUND) return undefined;
        throw error;
      });
    if (!found)
      await workflowService
        .registerNamespace({ namespace: NAMESPACE, workflowExecutionRetentionPeriod: retention })
        .catch((error: unknown) => {
          // Another one was quicker.
          if (statusOf(error) !== ALREADY_EXISTS) throw error;
        });
    else if (optionalTsToMs(found.config?.workflowExecutionRetentionTtl) !== optionalTsToMs(retention))
      await workflowService.updateNamespace({
        namespace: NAMESPACE,
        config: { workflowExecutionRetentionTtl: retention },
      });
  });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

async function withConnection(
  address: string,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await use(connection);
  } finally {
    await connection.close();
  }
}
