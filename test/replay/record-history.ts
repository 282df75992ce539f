import { writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NAMESPACE } from '../../contracts/task-queues.ts';

// Writes the history of one run into test/replay/histories/, to be replayed for ever after.
//   npm run record-history -- HOST:PORT WORKFLOW_ID NAME
const [address, workflowId, name] = process.argv.slice(2);
if (!address || !workflowId || !name) {
  console.error('usage: npm run record-history -- HOST:PORT WORKFLOW_ID NAME');
  process.exit(2);
}
const connection = await Connection.connect({ address });
const client = new Client({ connection, namespace: NAMESPACE });
const history = await client.workflow.getHandle(workflowId).fetchHistory();
const file = `test/replay/histories/${name}.json`;
await writeFile(file, `${JSON.stringify(historyToJSON(history), null, 1)}\n`);
await connection.close();
console.log(`${file}: ${history.events?.length ?? 0} events`);
