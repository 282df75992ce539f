import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// npm run build:kernel: compiles science/kernel/kernel.as into kernel-wasm.ts, which is committed. The compiler
// is fetched for it: nobody else needs it.
const COMPILER = 'assemblyscript@0.28.9';
const directory = fileURLToPath(new URL('../science/kernel/', import.meta.url));
const source = readFileSync(join(directory, 'kernel.as'));
const work = mkdtempSync(join(tmpdir(), 'kernel-'));
try {
  writeFileSync(join(work, 'kernel.ts'), source);
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--importMemory'];
  const args = [
    'exec',
    '--yes',
    `--package=${COMPILER}`,
    '--',
    'asc',
    'kernel.ts',
    ...options,
    '-o',
    'kernel.wasm',
  ];
  const { status } = spawnSync('npm', args, { cwd: work, stdio: 'inherit' });
  if (status !== 0) throw new Error('the compiler failed');
  const wasm = readFileSync(join(work, 'kernel.wasm'));
  const hash = createHash('sha256').update(source).digest('hex');
  writeFileSync(
    join(directory, 'kernel-wasm.ts'),
    `// Made by npm run build:kernel. Not to be edited.\n\n` +
      `/** SHA-256 of the kernel.as that this was made of. */\nexport const KERNEL_SOURCE_SHA256 =\n  '${hash}';\n\n` +
      `/** The compiled kernel (${wasm.length} bytes), base64. */\nexport const KERNEL_WASM =\n  '${wasm.toString('base64')}';\n`,
  );
} finally {
  rmSync(work, { recursive: true });
}
