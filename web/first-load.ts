// Not 'node:zlib': in this room that is the browser's (tsconfig.web.json).
import { gzipSync } from 'zlib';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin, Rollup } from 'vite';

/** What a browser loads before the first page can be used, compressed: scripts alone. */
const FIRST_LOAD_BYTES = 400_000;
const FIRST_PAGE = 'features/home/HomePage.vue';
/** Smaller files are not worth a header. */
const WORTH_COMPRESSING_BYTES = 1024;

/** A chunk and all that it imports at once, by file name. */
function loadedWith(bundle: Rollup.OutputBundle, fileName: string, found = new Set<string>()): Set<string> {
  const chunk = bundle[fileName];
  if (chunk?.type !== 'chunk' || found.has(fileName)) return found;
  found.add(fileName);
  for (const imported of chunk.imports) loadedWith(bundle, imported, found);
  return found;
}

/**
 * Writes scripts and styles compressed too, beside themselves, for the API to serve; the build fails where the first page
 * would load more than it may.
 */
export function firstLoad(): Plugin {
  return {
    name: 'first-load',
    apply: 'build',
    async writeBundle({ dir }, bundle) {
      if (dir === undefined) return;
      const compressed = new Map<string, number>();
      for (const fileName of Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name))) {
        const content = await readFile(join(dir, fileName));
        const zipped = gzipSync(content, { level: 9 });
        compressed.set(fileName, zipped.length);
        if (content.length >= WORTH_COMPRESSING_BYTES) await writeFile(join(dir, `${fileName}.gz`), zipped);
      }
      const first = new Set<string>();
      for (const output of Object.values(bundle))
        if (output.type === 'chunk' && (output.isEntry || output.facadeModuleId?.endsWith(FIRST_PAGE)))
          loadedWith(bundle, output.fileName, first);
      const bytes = [...first].reduce((sum, fileName) => sum + (compressed.get(fileName) ?? 0), 0);
      if (bytes > FIRST_LOAD_BYTES)
        this.error(
          `The first page loads ${bytes} bytes of compressed scripts; it may load ${FIRST_LOAD_BYTES}`,
        );
      this.info(`the first page loads ${bytes} bytes of compressed scripts in ${first.size} files`);
    },
  };
}
