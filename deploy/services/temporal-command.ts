import { NAMESPACE } from '../../contracts/task-queues.ts';
import { prepareNamespace } from './temporal-namespace.ts';

// `node dist/deploy/services/temporal-command.js`: our namespace and search attributes at TEMPORAL_ADDRESS, made where absent.
const address = process.env['TEMPORAL_ADDRESS'];
if (!address) {
  console.error('TEMPORAL_ADDRESS is not set');
  process.exit(2);
}
await prepareNamespace(address);
console.log(`Temporal at ${address} serves the namespace ${NAMESPACE}.`);
