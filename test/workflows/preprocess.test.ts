import { CancelledFailure, ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlActivities } from '../../activities/control.ts';
import type { CpuActivities } from '../../activities/cpu.ts';
import { SHARD_WINDOW, SHARDS_PER_RUN, SHARDS_PER_WORKER } from '../../contracts/limits.ts';
import { PARTS_LOST, PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { findTemporal } from '../../deploy/embedded/temporal-binaries.ts';
import { workflowsPath } from '../../workers/bundle.ts';
import {
  pauseSignal,
  progressQuery,
  resumeSignal,
  shardsListedSignal,
} from '../../workflows/preprocess/messages.ts';
import type { preprocess } from '../../workflows/preprocess/workflow.ts';

const config = PreprocessingConfig.parse({
  data_dir_path: '/',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 140,
});

type Preprocessing = Pick<
  CpuActivities,
  'listJobShards' | 'preprocessShard' | 'writeResult' | 'discardWork' | 'hashArtifacts'
>;
type Activities = Preprocessing & Omit<ControlActivities, 'isServed'>;

let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });
  // Not the server that skips time: it loses a workflow task that cancels an activity which is just being started.
  environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: await findTemporal(() => undefined) } },
  });
  workflowBundle = await bundleWorkflowCode({ workflowsPath });
});
afterAll(() => environment.teardown());

let calls: string[];
beforeEach(() => {
  calls = [];
});

/** Activities that do nothing but say that they were called; a test replaces those it is about. */
function activities(shardCount: number, replaced: Partial<Activities> = {}): Activities {
  return {
    listJobShards: () => {
      calls.push('list');
      return Promise.resolve({
        inputSha256: 'b'.repeat(64),
        totalFiles: shardCount * 10,
        shardCount,
      });
    },
    preprocessShard: ({ shard }) => {
      calls.push(`shard ${shard}`);
      return Promise.resolve({ rows: 9, rejected: 1, reused: 0 });
    },
    writeResult: ({ follow }) => {
      calls.push(follow ? 'follow' : 'write');
      return Promise.resolve(follow ? undefined : { artifacts: [] });
    },
    discardWork: ({ withResult }) => {
      calls.push(withResult ? 'discard all' : 'discard work');
      return Promise.resolve();
    },
    hashArtifacts: () => {
      calls.push('hash');
      return Promise.resolve();
    },
    countWorkers: (queue) => {
      calls.push(`count ${queue}`);
      return Promise.resolve(1);
    },
    completeJob: ({ statusDetail }) => {
      calls.push(`complete ${statusDetail}`);
      return Promise.resolve(true);
    },
    failJob: ({ message }) => {
      calls.push(`fail ${message}`);
      return Promise.resolve();
    },
    ...replaced,
  };
}

const shardsDone = () => calls.filter((call) => call.startsWith('shard')).length;
/** Lists shards so many at a time, and goes on once they have been worked on. */
const listsInSteps = (steps: readonly number[], end: () => Promise<number>): Partial<Activities> => ({
  listJobShards: async ({ jobId }) => {
    calls.push('list');
    const handle = environment.client.workflow.getHandle(jobId);
    for (const shards of steps) {
      await handle.signal(shardsListedSignal, shards);
      while (shardsDone() < shards) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const shardCount = await end();
    calls.push('listed');
    return { inputSha256: 'b'.repeat(64), totalFiles: shardCount * 10, shardCount };
  },
});

/**
 * A cancellation comes with the answer to a heartbeat. By default one is sent every four seconds of the five that the server
 * waits: on a busy machine too late, and the next attempt then knows nothing of the cancellation.
 */
const HEARTBEATS = {
  maxHeartbeatThrottleInterval: '100ms',
  defaultHeartbeatThrottleInterval: '100ms',
} as const;

/** Runs the workflow on three workers, one a queue, and hands its handle to `use`. */
async function run<T>(
  all: Activities,
  use: (handle: Awaited<ReturnType<typeof start>>) => Promise<T>,
  options: Partial<typeof config> = {},
): Promise<T> {
  const { completeJob, failJob, countWorkers, ...cpu } = all;
  const control = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: TASK_QUEUES.control,
    workflowBundle,
    activities: { completeJob, failJob, countWorkers },
  });
  const hardware = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: TASK_QUEUES.cpu,
    activities: cpu,
    ...HEARTBEATS,
  });
  const merging = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: TASK_QUEUES.merge,
    activities: { writeResult: all.writeResult, hashArtifacts: all.hashArtifacts },
    ...HEARTBEATS,
  });
  return control.runUntil(merging.runUntil(hardware.runUntil(async () => use(await start(options)))));
}
const start = (options: Partial<typeof config>) => {
  const jobId = crypto.randomUUID();
  return environment.client.workflow.start<typeof preprocess>('preprocess', {
    workflowId: jobId,
    taskQueue: TASK_QUEUES.control,
    args: [{ jobId, config: { ...config, ...options } }],
  });
};

describe('preprocess', () => {
  it('lists, runs every shard once, merges, records and cleans up, in this order', async () => {
    const result = await run(activities(10), (handle) => handle.result());
    expect(result).toEqual({ rows: 90, rejected: 10 });
    expect(calls[0]).toBe('list');
    expect(calls.filter((call) => call.startsWith('shard')).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `shard ${i}`),
    );
    expect(calls.slice(-4, -2)).toEqual(['write', 'complete 90 spectra, 10 rejected']);
    expect(calls.slice(-2).sort()).toEqual(['discard work', 'hash']);
  });

  it.each([
    [1, SHARD_WINDOW],
    [3, 3 * SHARDS_PER_WORKER],
  ])('with %i workers keeps a window of %i shards on the queue', async (workers, window) => {
    let running = 0;
    let most = 0;
    const counted = activities(24, {
      countWorkers: () => Promise.resolve(workers),
      preprocessShard: async () => {
        most = Math.max(most, ++running);
        // On a busy machine the window fills slowly.
        for (const since = Date.now(); most < window && Date.now() - since < 10_000;)
          await new Promise((resolve) => setTimeout(resolve, 20));
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        return { rows: 1, rejected: 0, reused: 0 };
      },
    });
    await run(counted, (handle) => handle.result());
    expect(most).toBe(window);
  });

  describe('while more is being listed', () => {
    it('works on the shards that are there, and merges them', async () => {
      const listing = activities(
        0,
        listsInSteps([2, 7, 9], () => Promise.resolve(12)),
      );
      await expect(run(listing, (handle) => handle.result())).resolves.toEqual({ rows: 108, rejected: 12 });
      expect(new Set(calls.filter((call) => call.startsWith('shard'))).size).toBe(12);
      expect(shardsDone()).toBe(12);
      expect(calls.indexOf('listed')).toBeGreaterThan(calls.indexOf('shard 8'));
      expect(calls.indexOf('follow')).toBeLessThan(calls.indexOf('listed'));
      expect(calls.filter((call) => call === 'follow' || call === 'write')).toEqual(['follow', 'write']);
      // It is wide from the second step on.
      expect(calls.filter((call) => call.startsWith('count'))).toHaveLength(1);
    });

    it('ends where nothing comes after them', async () => {
      const listing = activities(
        0,
        listsInSteps([3], () => Promise.resolve(3)),
      );
      await expect(run(listing, (handle) => handle.result())).resolves.toEqual({ rows: 27, rejected: 3 });
      expect(shardsDone()).toBe(3);
    });

    it('fails with the listing', async () => {
      const failing = activities(
        0,
        listsInSteps([3], () =>
          Promise.reject(ApplicationFailure.nonRetryable('the disk is gone', 'Storage')),
        ),
      );
      await expect(run(failing, (handle) => handle.result())).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(calls.slice(-2)).toEqual(['fail the disk is gone', 'discard all']);
    });

    it('ends the listing where a shard fails for good', async () => {
      const failing = activities(0, {
        ...listsInSteps([1], async () => {
          const { Context } = await import('@temporalio/activity');
          const timer = setInterval(() => Context.current().heartbeat(), 50);
          return Context.current().cancelled.finally(() => clearInterval(timer));
        }),
        preprocessShard: ({ shard }) => {
          calls.push(`shard ${shard}`);
          return Promise.reject(ApplicationFailure.nonRetryable('no space left', 'Storage'));
        },
      });
      await expect(run(failing, (handle) => handle.result())).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(calls.slice(-2)).toEqual(['fail no space left', 'discard all']);
    });
  });

  it('starts no shard while it is paused, and goes on when resumed', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const first = activities(SHARD_WINDOW + 4, {
      preprocessShard: async ({ shard }) => {
        calls.push(`shard ${shard}`);
        await gate;
        return { rows: 1, rejected: 0, reused: 0 };
      },
    });
    await run(first, async (handle) => {
      while (calls.filter((call) => call.startsWith('shard')).length < SHARD_WINDOW)
        await new Promise((r) => setTimeout(r, 10));
      await handle.signal(pauseSignal);
      open();
      let progress = await handle.query(progressQuery);
      while (progress.shardsDone < SHARD_WINDOW) progress = await handle.query(progressQuery);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await handle.query(progressQuery)).toMatchObject({ paused: true, shardsDone: SHARD_WINDOW });
      expect(calls).not.toContain(`shard ${SHARD_WINDOW}`);
      await handle.signal(resumeSignal);
      expect(await handle.result()).toEqual({ rows: SHARD_WINDOW + 4, rejected: 0 });
    });
  });

  it('retries a shard that failed, and tells nobody else', async () => {
    let failures = 0;
    const flaky = activities(3, {
      preprocessShard: ({ shard }) => {
        if (shard === 1 && failures++ < 2) return Promise.reject(new Error('the disk is away'));
        return Promise.resolve({ rows: 1, rejected: 0, reused: 0 });
      },
    });
    await expect(run(flaky, (handle) => handle.result())).resolves.toEqual({ rows: 3, rejected: 0 });
    expect(failures).toBe(3);
  });

  it('records the reason when it fails for good, and leaves nothing behind', async () => {
    const broken = activities(3, {
      writeResult: () => Promise.reject(ApplicationFailure.nonRetryable('no space left', 'Storage')),
    });
    await expect(run(broken, (handle) => handle.result())).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(calls.slice(-2)).toEqual(['fail no space left', 'discard all']);
  });

  it.each([
    ['no file at all', 0, {}, 'fail there is no file in /'],
    [
      'too many rejects',
      2,
      { max_reject_fraction: 0.05 },
      'fail 2 of 20 files were rejected, more than max_reject_fraction 0.05',
    ],
  ])('ends in error with %s', async (_, shards, options, expected) => {
    await expect(run(activities(shards), (handle) => handle.result(), options)).rejects.toThrow();
    expect(calls).toContain(expected);
    expect(calls).not.toContain('write');
  });

  it('takes the result of a merge that followed the shards, and merges no more', async () => {
    const followed = activities(5, {
      writeResult: ({ follow }) => {
        calls.push(follow ? 'follow' : 'write');
        return Promise.resolve({ artifacts: [] });
      },
    });
    await expect(run(followed, (handle) => handle.result())).resolves.toEqual({ rows: 45, rejected: 5 });
    expect(calls).toContain('follow');
    expect(calls).not.toContain('write');
  });

  it('merges after the last shard where the merge that followed them failed', async () => {
    const failed = activities(5, {
      writeResult: ({ follow }) => {
        calls.push(follow ? 'follow' : 'write');
        return follow ? Promise.reject(new Error('it died')) : Promise.resolve({ artifacts: [] });
      },
    });
    await expect(run(failed, (handle) => handle.result())).resolves.toEqual({ rows: 45, rejected: 5 });
    expect(calls.filter((call) => call === 'follow' || call === 'write')).toEqual(['follow', 'write']);
  });

  it('makes parts again that were lost before the merge, and counts their rows once', async () => {
    let lost = 0;
    const losing = activities(1, {
      writeResult: () => {
        if (lost++ < 2)
          return Promise.reject(
            ApplicationFailure.create({
              message: 'lost',
              type: PARTS_LOST,
              nonRetryable: true,
              details: [[0]],
            }),
          );
        return Promise.resolve({ artifacts: [] });
      },
    });
    await expect(run(losing, (handle) => handle.result())).resolves.toEqual({ rows: 9, rejected: 1 });
    expect(calls.filter((call) => call === 'shard 0')).toHaveLength(3);
  });

  it('gives up when parts are lost again and again', async () => {
    const losing = activities(1, {
      writeResult: () =>
        Promise.reject(
          ApplicationFailure.create({
            message: 'lost',
            type: PARTS_LOST,
            nonRetryable: true,
            details: [[0]],
          }),
        ),
    });
    await expect(run(losing, (handle) => handle.result())).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(calls.slice(-2)).toEqual(['fail lost', 'discard all']);
  });

  it('says how many files were reused', async () => {
    const reusing = activities(2, {
      preprocessShard: () => Promise.resolve({ rows: 9, rejected: 1, reused: 10 }),
    });
    await run(reusing, (handle) => handle.result());
    expect(calls).toContain('complete 18 spectra, 2 rejected, 20 files reused from an earlier job');
  });

  it('ends in error when no file gave a spectrum', async () => {
    const none = activities(1, {
      preprocessShard: () => Promise.resolve({ rows: 0, rejected: 10, reused: 0 }),
    });
    await expect(run(none, (handle) => handle.result())).rejects.toThrow();
    expect(calls).toContain('fail none of the 10 files gave a spectrum; the rejects say why');
  });

  it('tells that it was cancelled, and cleans up', async () => {
    const slow = activities(3, {
      preprocessShard: async () => {
        calls.push('running');
        const { Context } = await import('@temporalio/activity');
        const timer = setInterval(() => Context.current().heartbeat(), 50);
        try {
          await Context.current().cancelled;
        } finally {
          clearInterval(timer);
        }
        return { rows: 0, rejected: 0, reused: 0 };
      },
    });
    await run(slow, async (handle) => {
      while (!calls.includes('running')) await new Promise((resolve) => setTimeout(resolve, 10));
      await handle.cancel();
      const error: unknown = await handle.result().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      expect(error instanceof WorkflowFailedError && error.cause).toBeInstanceOf(CancelledFailure);
    });
    expect(calls.filter((call) => !['list', 'running', 'follow'].includes(call))).toEqual([
      'fail the run was cancelled in Temporal',
      'discard all',
    ]);
  });

  it('takes a result back that came too late', async () => {
    const late = activities(1, { completeJob: () => Promise.resolve(false) });
    await run(late, (handle) => handle.result());
    expect(calls.at(-1)).toBe('discard all');
    expect(calls).not.toContain('hash');
  });

  it('cleans up again, seconds after the worker died that did', async () => {
    let attempts = 0;
    const dying = activities(1, {
      discardWork: async () => {
        const { Context } = await import('@temporalio/activity');
        if (++attempts === 1) await Context.current().cancelled;
      },
    });
    const since = Date.now();
    await run(dying, (handle) => handle.result());
    expect(attempts).toBe(2);
    expect(Date.now() - since).toBeLessThan(60_000);
  });

  it('continues as new beyond its shards a run, with nothing lost or done twice', async () => {
    const shards = SHARDS_PER_RUN + 5;
    let isEnded = false;
    const all = activities(0, {
      ...listsInSteps([2], () => Promise.resolve(shards)),
      // So many at once that a workflow task takes the ends of several.
      countWorkers: () => Promise.resolve(40),
      writeResult: async ({ follow }) => {
        calls.push(follow ? 'follow' : 'write');
        if (calls.filter((call) => call === 'follow').length !== 1) return { artifacts: [] };
        const { Context } = await import('@temporalio/activity');
        const timer = setInterval(() => Context.current().heartbeat(), 50);
        return Context.current().cancelled.finally(() => {
          clearInterval(timer);
          isEnded = true;
        });
      },
    });
    const { result, runs } = await run(all, async (handle) => {
      const done = await handle.result();
      const last = await environment.client.workflow.getHandle(handle.workflowId).describe();
      return { result: done, runs: [handle.firstExecutionRunId, last.runId] };
    });
    expect(result).toEqual({ rows: shards * 9, rejected: shards });
    expect(new Set(calls.filter((call) => call.startsWith('shard'))).size).toBe(shards);
    expect(calls.filter((call) => call === 'list')).toHaveLength(1);
    expect(runs[0]).not.toBe(runs[1]);
    // The merge that began when two shards were known is not left behind.
    expect(isEnded).toBe(true);
  });
});
