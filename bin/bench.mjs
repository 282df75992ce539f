import { fileURLToPath } from 'node:url';
import { checkNode, ensureReady } from './ensure-ready.mjs';

// npm run bench:NAME: runs dist/bench/NAME.js on an up-to-date build.
checkNode();
ensureReady(fileURLToPath(new URL('..', import.meta.url)));
const [name] = process.argv.splice(2, 1);
await import(new URL(`../dist/bench/${name}.js`, import.meta.url).href);
