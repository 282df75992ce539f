import { fileURLToPath } from 'node:url';
import { checkNode, ensureReady } from './ensure-ready.mjs';

// npm run bench:NAME: runs dist/bench/NAME.js on an up-to-date build.
checkNode();
ensureReady(fileURLToPath(new URL('..', import.meta.url)));
await import(new URL(`../dist/bench/${process.argv[2]}.js`, import.meta.url).href);
