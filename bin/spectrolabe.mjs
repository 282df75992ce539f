#!/usr/bin/env node
// The entry before anything is installed: it needs nothing but Node. Dependencies and build are made when they are
// absent or stale, then the command line takes over. All it says goes to standard error.
import { fileURLToPath } from 'node:url';
import { checkNode, ensureReady } from './ensure-ready.mjs';

try {
  checkNode();
  const root = fileURLToPath(new URL('..', import.meta.url));
  ensureReady(root);
  const { main } = await import(new URL('../dist/cli/main.js', import.meta.url).href);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
