import { execFile, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Stack, startStack } from '../../deploy/embedded/stack.ts';

// What the documentation tells people to type is typed here, beside a stack of its own with the sample spectra.

/**
 * Python with the packages that docs/python.md and the notebook name:
 * `DOCS_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/docs`.
 */
const PYTHON = process.env['DOCS_PYTHON'] ?? 'python3';
const canImport = (...packages: string[]): boolean =>
  spawnSync(PYTHON, ['-c', `import ${packages.join(', ')}`]).status === 0;
const hasPackages = canImport('requests', 'h5py', 'pyvo');
const hasJupyter = canImport('requests', 'h5py', 'matplotlib', 'nbclient', 'ipykernel');
const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasPackages)
  console.log(`docs/python.md was not run: ${PYTHON} lacks requests, h5py or pyvo (set DOCS_PYTHON).`);
if (!hasJupyter)
  console.log(
    `The notebook was not run: ${PYTHON} lacks requests, h5py, matplotlib, nbclient or ipykernel (set DOCS_PYTHON).`,
  );
if (!hasCurl) console.log('What the documentation says of curl was not run: there is none.');

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const program = (name: string): string => join(import.meta.dirname, name);
/** Largest notebook that is committed: text, and a few small plots. */
const MAX_NOTEBOOK_BYTES = 150_000;

const NotebookFile = z.object({
  cells: z.array(
    z.object({
      cell_type: z.enum(['markdown', 'code']),
      execution_count: z.int().nullish(),
      outputs: z
        .array(z.object({ output_type: z.string(), data: z.record(z.string(), z.unknown()).optional() }))
        .default([]),
    }),
  ),
});
/** What kinds of output each cell of code has: text, picture. */
async function outputKinds(path: string): Promise<string[][]> {
  const { cells } = NotebookFile.parse(JSON.parse(await readFile(path, 'utf8')));
  return cells
    .filter((cell) => cell.cell_type === 'code')
    .map(({ outputs }) =>
      outputs.flatMap(({ output_type: type, data = {} }) => [type, ...Object.keys(data)].sort()),
    );
}

/** The blocks of shell commands of a page; `answer` where a block of text right after one says what it prints, … for anything. */
function shellExamples(page: string): { script: string; answer: RegExp | undefined }[] {
  const blocks = page.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm);
  return Array.from(blocks, ([, script = '', printed]) => ({
    script,
    answer:
      printed === undefined
        ? undefined
        : new RegExp(`^${printed.trim().split('…').map(escaped).join('[\\s\\S]*?')}$`),
  }));
}
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

let directory: string;
let stack: Stack | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spectrolabe-docs-'));
  if (!hasPackages && !hasJupyter && !hasCurl) return;
  stack = await startStack({
    data: join(directory, 'data'),
    port: 0,
    headless: true,
    say: (message) => console.log(message),
  });
});
afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a program where it may write, beside the stack. @throws with all that it said, where it fails */
async function runBeside(command: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: directory,
    env: { ...process.env, SPECTROLABE_API: stack?.url, PYTHONUNBUFFERED: '1' },
    timeout: 110_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

describe.skipIf(!hasPackages)('docs/python.md', () => {
  it('runs from top to bottom and prints what it says', async () => {
    const page = join(docs, 'python.md');
    const ran = await runBeside(PYTHON, [program('run-snippets.py'), page]);
    const snippets = (await readFile(page, 'utf8')).match(/^```python$/gm) ?? [];
    expect(snippets.length).toBeGreaterThan(10);
    expect(ran.trim().split('\n')).toHaveLength(snippets.length);
  });
});

describe.skipIf(!hasJupyter)('docs/notebooks/from-fits-to-candidates.ipynb', () => {
  it('runs to its end, and what is committed is what comes out', async () => {
    const committed = join(docs, 'notebooks', 'from-fits-to-candidates.ipynb');
    const executed = join(directory, 'executed.ipynb');
    await runBeside(PYTHON, [program('run-notebook.py'), committed, executed]);
    if (process.env['UPDATE_NOTEBOOK']) await copyFile(executed, committed);
    expect(await outputKinds(committed)).toEqual(await outputKinds(executed));
    expect((await stat(committed)).size).toBeLessThan(MAX_NOTEBOOK_BYTES);
  });
});

describe.skipIf(!hasCurl)('what is typed into a shell', () => {
  it.each(['api.md', 'uws.md'])('answers as docs/%s says', async (name) => {
    const examples = shellExamples(await readFile(join(docs, name), 'utf8'));
    expect(examples.length).toBeGreaterThan(2);
    let job = '';
    for (const { script, answer } of examples) {
      // The event stream does not end by itself: curl gives up (28) after what has happened until then.
      const curl = 'curl() { command curl -sS --max-time 15 "$@" || [ $? = 28 ]; }';
      const printed = await runBeside('bash', [
        '-ec',
        `${curl}\nJOB=${job}\n${script.replaceAll('http://127.0.0.1:10000', stack?.url ?? '')}`,
      ]);
      job = /(?:"job_id":"|<uws:jobId>)([0-9a-f-]{36})/.exec(printed)?.[1] ?? job;
      if (answer) expect(printed.trim(), script).toMatch(answer);
      else expect(printed, script).not.toMatch(/"detail"|ERROR/);
    }
  });
});
