import { fileURLToPath } from 'node:url';
import { build, checkNode, ensureInstalled } from './ensure-ready.mjs';

// npm run build: always, whether or not dist/ is stale.
checkNode();
const root = fileURLToPath(new URL('..', import.meta.url));
ensureInstalled(root);
build(root);
