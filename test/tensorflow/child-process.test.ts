import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHILD_DIED, createChildProcesses, TASK_REFUSED } from '../../activities/network/child-process.ts';
import type { ChildMessage, NetworkTask } from '../../activities/network/messages.ts';

const TASK: NetworkTask = {
  kind: 'score',
  modelDir: '/m',
  poolPath: '/p',
  target: '/t',
  batchSize: 1,
  scratchDir: '/s',
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'child process '));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs a program that does `body` with the task it is sent. */
async function run(
  body: string,
  signal = new AbortController().signal,
): Promise<{ ending: unknown; messages: ChildMessage[] }> {
  const program = join(directory, `${crypto.randomUUID()}.mjs`);
  await writeFile(program, `process.once('message', async (task) => { ${body} });`);
  const messages: ChildMessage[] = [];
  const children = createChildProcesses({ program, env: {} });
  try {
    const ending = await children.run(TASK, { signal, onMessage: (message) => messages.push(message) });
    return { ending, messages };
  } finally {
    children.close();
  }
}
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error,
  );

it('gives the task to the child, what it says to the caller, and its last message as the answer', async () => {
  const { ending, messages } = await run(`
    process.send({ kind: 'scoring', done: task.batchSize, total: 2 });
    process.send({ kind: 'scored', rows: 2, bytes: 3, sha256: 'x' }, () => process.exit(0));`);
  expect(ending).toEqual({ kind: 'scored', rows: 2, bytes: 3, sha256: 'x' });
  expect(messages).toEqual([{ kind: 'scoring', done: 1, total: 2 }]);
});

it('tells how the child died, with its last words, as a failure to be tried again', async () => {
  const error = await failureOf(
    run(
      `console.error('tensorflow: OOM when allocating'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);`,
    ),
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  expect(error).toMatchObject({ type: CHILD_DIED, nonRetryable: false });
  expect(String(error)).toMatch(/SIGKILL.*memory.*OOM when allocating/);
  expect(await failureOf(run(`process.exit(7);`))).toMatchObject({ type: CHILD_DIED, nonRetryable: false });
});

it('keeps of many last words those that say something', async () => {
  const error = await failureOf(
    run(`
      console.error('FATAL ERROR: JavaScript heap out of memory');
      for (let i = 0; i < 50; i++) console.error(\` \${i}: 0xb78db3 node::OOMErrorHandler(char const*) [node]\`);
      console.error('x'.repeat(100_000));
      setTimeout(() => process.abort(), 100);`),
  );
  expect(String(error)).toMatch(/SIGABRT.*heap out of memory \| x{500}(?!x)/);
});

it('says that the child could not be started, as a failure to be tried again', async () => {
  const failure = { type: CHILD_DIED, nonRetryable: false };
  const tooMuch = () =>
    createChildProcesses({
      program: join(directory, 'any.mjs'),
      env: { TOO_MUCH: 'x'.repeat(2 ** 20) },
    }).run(TASK, { signal: new AbortController().signal, onMessage: () => undefined });
  const error = await failureOf(tooMuch());
  expect(error).toMatchObject(failure);
  expect(String(error)).toContain('could not be started');
});

it.runIf(process.platform === 'linux')('is what the kernel takes first where memory ends', async () => {
  const { messages } = await run(`
    const { readFileSync } = await import('node:fs');
    const done = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    process.send({ kind: 'scoring', done, total: 0 });
    process.send({ kind: 'scored', rows: 0, bytes: 0, sha256: '' }, () => process.exit(0));`);
  expect(messages).toEqual([{ kind: 'scoring', done: 1000, total: 0 }]);
});

it('does not try again what the child refuses', async () => {
  const refused = (retryable: boolean) =>
    failureOf(
      run(
        `process.send({ kind: 'failed', message: 'no labels', trace: 't', retryable: ${retryable} }, () => process.exit(1));`,
      ),
    );
  expect(await refused(false)).toMatchObject({
    type: TASK_REFUSED,
    nonRetryable: true,
    message: 'no labels',
  });
  expect(await refused(true)).toMatchObject({ type: CHILD_DIED, nonRetryable: false });
});

it('kills the child when it is aborted, however busy it is', async () => {
  const controller = new AbortController();
  const began = Date.now();
  const running = run(`process.send({ kind: 'scoring', done: 0, total: 1 }); for (;;);`, controller.signal);
  setTimeout(() => controller.abort(new Error('cancelled')), 500);
  await expect(running).rejects.toThrow('cancelled');
  expect(Date.now() - began).toBeLessThan(20_000);
});

it('has the process for the next task started already, and another one where that has died', async () => {
  const program = join(directory, 'counted.mjs');
  await writeFile(
    program,
    `const since = Math.floor(performance.timeOrigin);
     process.once('message', (task) => {
       process.send({ kind: 'scoring', done: process.pid, total: 0 });
       setTimeout(
         () => process.send({ kind: 'scored', rows: since, bytes: 0, sha256: '' }, () => process.exit(0)),
         task.batchSize,
       );
     });`,
  );
  const children = createChildProcesses({ program, env: {} });
  const pids: number[] = [];
  const run = async (milliseconds: number) => {
    const ending = await children.run(
      { ...TASK, batchSize: milliseconds },
      {
        signal: new AbortController().signal,
        onMessage: (message) => message.kind === 'scoring' && pids.push(message.done),
      },
    );
    return ending.kind === 'scored' ? ending.rows : NaN;
  };
  try {
    await run(500);
    const secondBegan = performance.timeOrigin + performance.now();
    expect(await run(500)).toBeLessThan(secondBegan);
    expect(new Set(pids).size).toBe(2);
    children.close();
    const thirdBegan = performance.timeOrigin + performance.now();
    expect(await run(1)).toBeGreaterThan(thirdBegan);
  } finally {
    children.close();
  }
});
