import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, type SignalDefinition } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ActiveLearningActivities } from '../../activities/active-learning.ts';
import type { CampaignControlActivities } from '../../activities/campaign-control.ts';
import type { ControlActivities } from '../../activities/control.ts';
import { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { findTemporal, findTemporalTestServer } from '../../deploy/embedded/temporal-binaries.ts';
import { workflowsPath } from '../../workers/bundle.ts';
import {
  changeSettingsSignal,
  finishSignal,
  labelsSubmittedSignal,
  pauseSignal,
  progressQuery,
  resumeSignal,
} from '../../workflows/active-learning/messages.ts';
import type { activeLearning } from '../../workflows/active-learning/workflow.ts';

type Activities = ControlActivities & CampaignControlActivities & ActiveLearningActivities;
type Handle = WorkflowHandle<typeof activeLearning>;

/** Skips time. */
let environment: TestWorkflowEnvironment;
/** Asks runs to continue as new after so few events that a campaign does it every iteration or two. */
let impatient: TestWorkflowEnvironment;
const EVENTS_OF_A_RUN = 60;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });
  const quiet = () => undefined;
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await findTemporalTestServer(quiet) } },
  });
  impatient = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: await findTemporal(quiet) },
      extraArgs: ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${EVENTS_OF_A_RUN}`],
    },
  });
  workflowBundle = await bundleWorkflowCode({ workflowsPath });
});
afterAll(async () => {
  await environment.teardown();
  await impatient.teardown();
});

let calls: string[];
/** Spectra of the open batch that have no answer. */
let open: number;
beforeEach(() => {
  calls = [];
  open = 0;
});

const BATCH = 3;

/** Activities that do nothing but say that they were called; a test replaces those it is about. */
function activities(replaced: Partial<Activities> = {}): Activities {
  const say = (text: string) => {
    calls.push(text);
    return Promise.resolve();
  };
  return {
    isServed: () => Promise.resolve(false),
    countWorkers: () => Promise.resolve(1),
    prepareCampaign: async () => {
      await say('prepare');
      return { firstIteration: 0 };
    },
    trainIteration: async ({ iteration }) => {
      await say(`train ${iteration}`);
      return iteration > 0;
    },
    scoreIteration: ({ iteration }) => say(`score ${iteration}`),
    selectBatch: async ({ iteration, settings, audit }) => {
      await say(`${audit ? 'audit' : 'select'} ${iteration} ${JSON.stringify(settings)}`);
      return { spectra: BATCH };
    },
    openBatch: ({ iteration }) => {
      open = BATCH;
      return say(`open ${iteration}`);
    },
    countOpenLabels: () => Promise.resolve(open),
    closeBatch: async ({ iteration }) => {
      await say(`close ${iteration}`);
      return { audit: false };
    },
    embedTrainingSet: () => Promise.resolve(),
    describeStep: async ({ iteration }) => {
      await say(`describe ${iteration}`);
      return { statusDetail: 'a step', artifacts: [] };
    },
    exportCatalogue: async ({ iteration, reason }) => {
      await say(`export ${iteration}: ${reason}`);
      return { statusDetail: 'a campaign', artifacts: [] };
    },
    discardCampaign: () => say('discard'),
    reportCampaign: () => Promise.resolve(true),
    completeJob: async ({ statusDetail }) => {
      await say(`complete ${statusDetail}`);
      return true;
    },
    failJob: ({ message }) => say(`fail ${message}`),
    ...replaced,
  };
}

async function start(config: Partial<ActiveLearningConfig>, on: TestWorkflowEnvironment): Promise<Handle> {
  const jobId = crypto.randomUUID();
  await on.client.workflow.start<typeof activeLearning>('activeLearning', {
    workflowId: jobId,
    taskQueue: TASK_QUEUES.control,
    args: [
      {
        jobId,
        config: ActiveLearningConfig.parse({
          classes: ['other', 'double peak'],
          candidate_classes: ['double peak'],
          pool_data_path: '/pool.h5',
          ...config,
        }),
      },
    ],
  });
  // Of no run in particular: it follows a campaign that is continued as a new one.
  return on.client.workflow.getHandle<typeof activeLearning>(jobId);
}

/** Runs a campaign on workers of all its queues, and hands its handle to `use`. */
async function run<T>(
  config: Partial<ActiveLearningConfig>,
  all: Activities,
  use: (handle: Handle) => Promise<T>,
  on: TestWorkflowEnvironment = environment,
): Promise<T> {
  const connection = on.nativeConnection;
  const control = await Worker.create({
    connection,
    taskQueue: TASK_QUEUES.control,
    workflowBundle,
    activities: all,
  });
  const [training, embedding] = await Promise.all(
    [TASK_QUEUES.cpuTraining, TASK_QUEUES.cpu].map((taskQueue) =>
      Worker.create({ connection, taskQueue, activities: all }),
    ),
  );
  if (!training || !embedding) throw new Error('there are no workers');
  return control.runUntil(
    training.runUntil(
      embedding.runUntil(async () => {
        const handle = await start(config, on);
        try {
          return await use(handle);
        } finally {
          // A test that failed half-way leaves nothing running.
          await handle.terminate().catch(() => undefined);
        }
      }),
    ),
  );
}

async function untilStage(handle: Handle, stage: string, iteration: number): Promise<void> {
  await expect
    .poll(() => handle.query(progressQuery), { timeout: 120_000, interval: 20 })
    .toMatchObject({ stage, iteration });
}

/** Answers the open batch. */
async function label(handle: Handle): Promise<void> {
  open = 0;
  await handle.signal(labelsSubmittedSignal);
}

/** Answers each batch of a campaign, up to the last one. */
async function labelUntil(handle: Handle, iterations: number): Promise<void> {
  for (let iteration = 0; iteration < iterations; iteration++) {
    await untilStage(handle, 'labels', iteration);
    await label(handle);
  }
}

/** What a campaign of so many iterations does, where nothing disturbs it. */
function undisturbed(iterations: number, reason = `max_iterations ${iterations} is reached`): string[] {
  const loop = Array.from({ length: iterations }, (_, i) => [
    `train ${i}`,
    ...(i > 0 ? [`score ${i}`] : []),
    `select ${i} {}`,
    `open ${i}`,
    `close ${i}`,
  ]);
  const n = iterations;
  const end = [`train ${n}`, `score ${n}`, `export ${n}: ${reason}`, 'complete a campaign', 'discard'];
  return ['prepare', ...loop.flat(), ...end];
}

async function eventsOf(handle: Handle): Promise<number> {
  return (await handle.fetchHistory()).events?.length ?? 0;
}

describe('a campaign', () => {
  it('goes from batch to batch, trains a last time on all labels, and ends with the catalogue', async () => {
    await run({ max_iterations: 3 }, activities(), async (handle) => {
      await labelUntil(handle, 3);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(3));
  });

  it('waits thirty days for its labels, in which nothing happens', async () => {
    await run({ max_iterations: 1 }, activities(), async (handle) => {
      await untilStage(handle, 'labels', 0);
      const [before, events] = [calls.length, await eventsOf(handle)];
      await environment.sleep('30 days');
      expect(calls).toHaveLength(before);
      expect(await eventsOf(handle)).toBe(events);
      await label(handle);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(1));
  });

  it('goes on beside another one while a hundred wait, which take no part of a worker', async () => {
    const openOf = new Map<string, number>();
    const all = activities({
      openBatch: ({ jobId, iteration }) => {
        openOf.set(jobId, BATCH);
        calls.push(`open ${iteration}`);
        return Promise.resolve();
      },
      countOpenLabels: ({ jobId }) => Promise.resolve(openOf.get(jobId) ?? 0),
    });
    const use = async (one: Handle): Promise<void> => {
      const another = await start({ max_iterations: 2 }, impatient);
      const waiting = await Promise.all(Array.from({ length: 100 }, () => start({}, impatient)));
      for (const handle of [one, another, ...waiting]) await untilStage(handle, 'labels', 0);
      const events = await Promise.all(waiting.map(eventsOf));
      calls = [];
      for (let iteration = 0; iteration < 2; iteration++)
        for (const handle of [one, another]) {
          await untilStage(handle, 'labels', iteration);
          openOf.set(handle.workflowId, 0);
          await handle.signal(labelsSubmittedSignal);
        }
      await Promise.all([one.result(), another.result()]);
      const rest = undisturbed(2).slice(undisturbed(2).indexOf('close 0'));
      expect(calls.toSorted()).toEqual([...rest, ...rest].toSorted());
      expect(await Promise.all(waiting.map(eventsOf))).toEqual(events);
      await Promise.all(waiting.map((handle) => handle.terminate()));
    };
    // In time as it is: on the server that skips it the next test hung now and then after these.
    await run({ max_iterations: 2 }, all, use, impatient);
  });

  it('begins nothing in a paused week, though all labels come in it', async () => {
    await run({ max_iterations: 2 }, activities(), async (handle) => {
      await untilStage(handle, 'labels', 0);
      await handle.signal(pauseSignal);
      await label(handle);
      const before = calls.length;
      await environment.sleep('7 days');
      expect(calls).toHaveLength(before);
      expect(await handle.query(progressQuery)).toMatchObject({
        stage: 'labels',
        iteration: 0,
        paused: true,
      });
      await handle.signal(resumeSignal);
      await untilStage(handle, 'labels', 1);
      await label(handle);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(2));
  });

  it('ends what runs when it is paused in the middle of an iteration, and begins nothing after it', async () => {
    let handle: Handle | undefined;
    const all = activities();
    await run(
      { max_iterations: 2 },
      {
        ...all,
        trainIteration: async (input) => {
          if (input.iteration === 1) await handle?.signal(pauseSignal);
          return all.trainIteration(input);
        },
      },
      async (started) => {
        handle = started;
        await labelUntil(handle, 1);
        await expect
          .poll(() => started.query(progressQuery), { timeout: 20_000 })
          .toMatchObject({ paused: true });
        await environment.sleep('7 days');
        expect(calls.at(-1)).toBe('train 1');
        await handle.signal(resumeSignal);
        await untilStage(handle, 'labels', 1);
        await label(handle);
        await handle.result();
      },
    );
    expect(calls).toEqual(undisturbed(2));
  });

  it.each([
    ['while it waits', []],
    ['while it is paused', [pauseSignal]],
  ])('finishes early %s: a last training on the labels that there are', async (_, before) => {
    await run({}, activities(), async (handle) => {
      await labelUntil(handle, 1);
      await untilStage(handle, 'labels', 1);
      open--;
      for (const signal of before) await handle.signal(signal);
      await handle.signal(finishSignal);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(2, 'a person finished it'));
  });

  it('finishes in the middle of an iteration, whose batch is not opened', async () => {
    let handle: Handle | undefined;
    const all = activities();
    await run(
      {},
      {
        ...all,
        trainIteration: async (input) => {
          if (input.iteration === 1) await handle?.signal(finishSignal);
          return all.trainIteration(input);
        },
      },
      async (started) => {
        handle = started;
        await labelUntil(handle, 1);
        await handle.result();
      },
    );
    expect(calls).not.toContain('open 1');
    expect(calls.slice(-3)).toEqual(['export 2: a person finished it', 'complete a campaign', 'discard']);
  });

  it('goes on when a batch is closed early, and not before', async () => {
    await run({ max_iterations: 1 }, activities(), async (handle) => {
      await untilStage(handle, 'labels', 0);
      open--;
      await handle.signal(labelsSubmittedSignal);
      await environment.sleep('1 day');
      expect(await handle.query(progressQuery)).toMatchObject({ stage: 'labels' });
      open = 0; // of a closed batch nothing is open
      await handle.signal(labelsSubmittedSignal);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(1));
  });

  it('takes other settings from the next iteration on', async () => {
    let handle: Handle | undefined;
    const all = activities();
    await run(
      { max_iterations: 4 },
      {
        ...all,
        trainIteration: async (input) => {
          if (input.iteration === 2) await handle?.signal(changeSettingsSignal, { strategy: 'margin' });
          return all.trainIteration(input);
        },
      },
      async (started) => {
        handle = started;
        await untilStage(handle, 'labels', 0);
        await handle.signal(changeSettingsSignal, { oracle_batch_size: 7, strategy: 'random' });
        expect((await handle.query(progressQuery)).settings).toEqual({
          oracle_batch_size: 7,
          strategy: 'random',
        });
        await labelUntil(handle, 4);
        await handle.result();
      },
    );
    expect(calls.filter((call) => call.startsWith('select'))).toEqual([
      'select 0 {}',
      'select 1 {"oracle_batch_size":7,"strategy":"random"}',
      'select 2 {"oracle_batch_size":7,"strategy":"random"}',
      'select 3 {"oracle_batch_size":7,"strategy":"margin"}',
    ]);
  });

  it('loses no labels that come before it waits for them', async () => {
    let handle: Handle | undefined;
    await run(
      { max_iterations: 2 },
      activities({
        openBatch: async ({ iteration }) => {
          calls.push(`open ${iteration}`);
          if (handle) await label(handle);
        },
      }),
      async (started) => {
        handle = started;
        await handle.result();
      },
    );
    expect(calls).toEqual(undisturbed(2));
  });

  it('does nothing twice when its signals come twice', async () => {
    const twice = async (handle: Handle, signal: SignalDefinition) => {
      await handle.signal(signal);
      await handle.signal(signal);
    };
    await run({}, activities(), async (handle) => {
      await untilStage(handle, 'labels', 0);
      await twice(handle, pauseSignal);
      await twice(handle, resumeSignal);
      open = 0;
      await twice(handle, labelsSubmittedSignal);
      await untilStage(handle, 'labels', 1);
      await twice(handle, finishSignal);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(2, 'a person finished it'));
  });

  it('ends where no spectrum is left, without a batch', async () => {
    const all = activities({ selectBatch: () => Promise.resolve({ spectra: 0 }) });
    await run({}, all, (handle) => handle.result());
    expect(calls).toContain('export 1: no spectrum is left to label');
    expect(calls).not.toContain('open 0');
  });

  it('ends where its stopping rule says so', async () => {
    const closeBatch = () => Promise.resolve({ audit: false, stop: 'the labels are spent' });
    await run({}, activities({ closeBatch }), async (handle) => {
      await labelUntil(handle, 1);
      await handle.result();
    });
    expect(calls).toEqual(undisturbed(1, 'the labels are spent').filter((call) => call !== 'close 0'));
  });

  it('audits the model that there is, and goes on or ends as its labels say', async () => {
    const all = activities();
    const closed: Awaited<ReturnType<Activities['closeBatch']>>[] = [
      { audit: true },
      { audit: false },
      { audit: true },
      { audit: false, stop: 'it is precise' },
    ];
    const closeBatch: Activities['closeBatch'] = async (input) => {
      await all.closeBatch(input);
      return closed[input.iteration] ?? { audit: false };
    };
    // The third iteration would be the last one; its audit is made for all that.
    await run({ max_iterations: 3 }, { ...all, closeBatch }, async (handle) => {
      await labelUntil(handle, 4);
      await handle.result();
    });
    expect(calls.filter((call) => !/^(open|close)/.test(call))).toEqual([
      'prepare',
      'train 0',
      'select 0 {}',
      'audit 1 {}',
      'train 2',
      'score 2',
      'select 2 {}',
      'audit 3 {}',
      // What the audit found is true of this model.
      'export 2: it is precise',
      'complete a campaign',
      'discard',
    ]);
  });

  it('notices within 15 s that a worker has died, whatever it did', async () => {
    const events = await run({ max_iterations: 2 }, activities(), async (handle) => {
      await labelUntil(handle, 2);
      await handle.result();
      return (await handle.fetchHistory()).events ?? [];
    });
    const patience = new Map(
      events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
        if (!scheduled) return [];
        const { activityType, heartbeatTimeout, startToCloseTimeout } = scheduled;
        const heartbeat = Number(heartbeatTimeout?.seconds ?? 0);
        return [[activityType?.name ?? '', heartbeat || Number(startToCloseTimeout?.seconds)]];
      }),
    );
    expect([...patience.keys()].sort()).toEqual(
      Object.keys(activities())
        .filter((name) => !['describeStep', 'failJob', 'countWorkers'].includes(name))
        .sort(),
    );
    for (const [name, seconds] of patience) expect(seconds, name).toBeLessThanOrEqual(15);
  });

  it('begins with iteration 1 where there are labels before', async () => {
    const all = activities({ prepareCampaign: () => Promise.resolve({ firstIteration: 1 }) });
    await run({ max_iterations: 2 }, all, async (handle) => {
      await untilStage(handle, 'labels', 1);
      await label(handle);
      await handle.result();
    });
    expect(calls.slice(0, 4)).toEqual(['train 1', 'score 1', 'select 1 {}', 'open 1']);
  });

  it('does not mind an embedding that fails', async () => {
    const embedded: number[] = [];
    const all = activities({
      embedTrainingSet: ({ iteration }) => {
        embedded.push(iteration);
        throw ApplicationFailure.nonRetryable('no map today');
      },
    });
    await run({ max_iterations: 2 }, all, async (handle) => {
      await labelUntil(handle, 2);
      await handle.result();
    });
    expect(embedded).toEqual([1]);
    expect(calls).toEqual(undisturbed(2));
  });

  it('tries again after a crash of the child, and says why where the data will not do', async () => {
    let tries = 0;
    const all = activities();
    await run(
      { max_iterations: 1 },
      {
        ...all,
        trainIteration: (input) => {
          if (input.iteration === 1 && ++tries < 3)
            throw ApplicationFailure.create({ message: 'gone', type: 'CHILD_DIED' });
          return all.trainIteration(input);
        },
      },
      async (handle) => {
        await labelUntil(handle, 1);
        await handle.result();
      },
    );
    expect(tries).toBe(3);
    expect(calls).toEqual(undisturbed(1));

    calls = [];
    const refuse = activities({
      trainIteration: () => {
        throw ApplicationFailure.nonRetryable('the grids differ', 'TASK_REFUSED');
      },
    });
    await run({}, refuse, (handle) => expect(handle.result()).rejects.toThrow(WorkflowFailedError));
    expect(calls).toEqual(['prepare', 'fail the grids differ', 'discard']);
  });
});

describe('an abort', () => {
  /** Runs until it is cancelled. */
  async function forEver(): Promise<never> {
    const timer = setInterval(() => Context.current().heartbeat(), 50);
    try {
      return await Context.current().cancelled;
    } finally {
      clearInterval(timer);
      calls.push('gone');
    }
  }

  it('of a campaign that waits: recorded and cleaned up', async () => {
    await run({}, activities(), async (handle) => {
      await untilStage(handle, 'labels', 0);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    });
    expect(calls.slice(-2)).toEqual(['fail the run was cancelled in Temporal', 'discard']);
    expect(calls).not.toContain('close 0');
  });

  it('in the middle of a training: its activity is gone before anything is cleaned up', async () => {
    await run({}, activities({ trainIteration: forEver }), async (handle) => {
      await untilStage(handle, 'training', 0);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    });
    expect(calls).toEqual(['prepare', 'gone', 'fail the run was cancelled in Temporal', 'discard']);
  });

  it('takes the embedding that runs beside with it', async () => {
    await run({}, activities({ embedTrainingSet: forEver }), async (handle) => {
      await labelUntil(handle, 1);
      await untilStage(handle, 'labels', 1);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    });
    expect(calls.slice(-3)).toEqual(['gone', 'fail the run was cancelled in Temporal', 'discard']);
  });
});

it('a step ends once its batch is open, and cleans up', async () => {
  await run({ iteration: 4 }, activities(), (handle) => handle.result());
  expect(calls).toEqual([
    'prepare',
    'train 4',
    'score 4',
    'select 4 {}',
    'open 4',
    'describe 4',
    'complete a step',
    'discard',
  ]);
});

describe('a campaign that is continued as a new run', () => {
  /** Makes the history of the run as long as it takes. @returns once another run waits for the same batch */
  async function untilContinued(handle: Handle): Promise<void> {
    const { runId } = await handle.describe();
    const runNow = async () => (await handle.describe()).runId;
    for (let i = 0; i < 2 * EVENTS_OF_A_RUN; i++) {
      await handle.signal(labelsSubmittedSignal);
      await handle.query(progressQuery);
      if ((await runNow()) !== runId) return;
    }
    // A signal that comes while the run is being ended undoes that: on a busy machine it may take until there are no more.
    await expect.poll(runNow).not.toBe(runId);
  }

  it('while it waits: with its pause and its settings', async () => {
    await run(
      { max_iterations: 2 },
      activities(),
      async (handle) => {
        await untilStage(handle, 'labels', 0);
        await handle.signal(changeSettingsSignal, { strategy: 'random' });
        await handle.signal(pauseSignal);
        await untilContinued(handle);
        await label(handle);
        expect(await handle.query(progressQuery)).toMatchObject({ iteration: 0, paused: true });
        await handle.signal(resumeSignal);
        await untilStage(handle, 'labels', 1);
        await untilContinued(handle);
        await label(handle);
        await handle.result();
      },
      impatient,
    );
    const expected = undisturbed(2).map((call) =>
      call === 'select 1 {}' ? 'select 1 {"strategy":"random"}' : call,
    );
    expect(calls).toEqual(expected);
  });

  it('at the end of an iteration, for many of them', async () => {
    const iterations = 8;
    const runs = new Set<string>();
    await run(
      { max_iterations: iterations },
      activities(),
      async (handle) => {
        for (let iteration = 0; iteration < iterations; iteration++) {
          await untilStage(handle, 'labels', iteration);
          runs.add((await handle.describe()).runId);
          await label(handle);
        }
        await handle.result();
      },
      impatient,
    );
    expect(runs.size).toBeGreaterThan(2);
    expect(calls).toEqual(undisturbed(iterations));
  });

  it('where it is finished at that very moment: its last batch is closed, and learnt from', async () => {
    let handle: Handle | undefined;
    let finished = false;
    await run(
      { max_iterations: 20 },
      activities({
        // The run waits for it before it continues.
        embedTrainingSet: async ({ iteration }) => {
          if (iteration !== 1) return;
          for (let i = 0; i < EVENTS_OF_A_RUN; i++) {
            await handle?.signal(labelsSubmittedSignal);
            await handle?.query(progressQuery);
          }
          await handle?.signal(finishSignal);
          finished = true;
        },
      }),
      async (started) => {
        handle = started;
        await labelUntil(handle, 1);
        await handle.result();
      },
      impatient,
    );
    expect(finished).toBe(true);
    expect(calls).toEqual(undisturbed(2, 'a person finished it'));
  });
});
