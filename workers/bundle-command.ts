import { bundleWorkflows } from './bundle.ts';

// node dist/workers/bundle-command.js OUT_FILE: part of the build.
const [, , outFile] = process.argv;
if (!outFile) throw new Error('usage: bundle-command OUT_FILE');
await bundleWorkflows(outFile);
