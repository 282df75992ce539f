import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ActiveLearningActivities } from '../../activities/active-learning.ts';
import type { CampaignControlActivities } from '../../activities/campaign-control.ts';
import type { ControlActivities } from '../../activities/control.ts';
import { ActiveLearningInput, type CampaignSettings } from '../../contracts/active-learning.ts';
import { TASK_QUEUES, type TaskQueue } from '../../contracts/task-queues.ts';
import { describeFailure } from '../failure.ts';
import {
  type CampaignProgress,
  changeSettingsSignal,
  finishSignal,
  labelsSubmittedSignal,
  pauseSignal,
  progressQuery,
  resumeSignal,
} from './messages.ts';

// They retry for as long as the database is away: what happened must be recorded.
const RECORDING = { retry: { initialInterval: '1s', maximumInterval: '10s' } } as const;
// A few rows each: one that takes longer was begun by a worker that died.
const { isServed, failJob, completeJob, countOpenLabels, reportCampaign } = proxyActivities<
  ControlActivities & CampaignControlActivities
>({ ...RECORDING, startToCloseTimeout: '15 seconds' });
const { openBatch, closeBatch } = proxyActivities<CampaignControlActivities>({
  ...RECORDING,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5s',
});

function activitiesOn(taskQueue: TaskQueue): ActiveLearningActivities {
  return proxyActivities<ActiveLearningActivities>({
    taskQueue,
    // A dead worker shows by its missing heartbeat, long before.
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '5s',
    retry: { initialInterval: '1s', maximumInterval: '1 minute', maximumAttempts: 20 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/**
 * Active learning. A campaign is the whole loop: train → score → select → open a batch → wait for its labels, for as long
 * as it takes → close it → next, until a stopping rule or a person ends it; then a last training on all labels, and the
 * catalogue. A job with `iteration` in its configuration is one step, which ends when its batch is open.
 */
export async function activeLearning(input: ActiveLearningInput): Promise<void> {
  const { jobId, config, resumed } = ActiveLearningInput.parse(input);
  let iteration = resumed?.iteration ?? config.iteration ?? 0;
  let waiting = resumed?.waiting ?? false;
  let audit = resumed?.audit ?? false;
  let paused = resumed?.paused ?? false;
  let finishing = resumed?.finishing;
  let settings: CampaignSettings = resumed?.settings ?? {};
  let nextSettings: CampaignSettings = resumed?.nextSettings ?? {};
  let stage: CampaignProgress['stage'] = waiting ? 'labels' : 'preparing';
  // A batch that was completed while this run was being continued as a new one has sent its signal already.
  let labelled = waiting;
  setHandler(labelsSubmittedSignal, () => {
    labelled = true;
  });
  setHandler(pauseSignal, () => {
    paused = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
  });
  setHandler(finishSignal, () => {
    finishing ??= 'a person finished it';
  });
  setHandler(changeSettingsSignal, (changed) => {
    nextSettings = { ...nextSettings, ...changed };
  });
  setHandler(progressQuery, () => ({ iteration, stage, paused, settings: nextSettings }));

  let audited: number | undefined;
  let embedding: Promise<void> = Promise.resolve();
  let embeddingScope: CancellationScope | undefined;

  /** Not the activities themselves: their proxy answers to `then` too, and must not be awaited. */
  async function acceleratedQueue(): Promise<TaskQueue> {
    const { accelerator } = config;
    const onGpu = accelerator === 'gpu' || (accelerator === 'auto' && (await isServed(TASK_QUEUES.gpu)));
    return onGpu ? TASK_QUEUES.gpu : TASK_QUEUES.cpuTraining;
  }
  /** Nothing is begun while the campaign is paused. */
  async function unlessPaused(): Promise<void> {
    await condition(() => !paused || finishing !== undefined);
  }

  /** The map of the training set is of use to people only: nothing waits for it, and its failure fails nothing. */
  function embedBeside(): void {
    if (config.embedding === 'none') return;
    const scope = new CancellationScope();
    embeddingScope = scope;
    embedding = scope
      .run(() => activitiesOn(TASK_QUEUES.cpu).embedTrainingSet({ jobId, iteration }))
      .catch(() => undefined);
  }

  /** Trains, scores, selects and opens the batch. @returns how many spectra people are asked about */
  async function openNextBatch(): Promise<number> {
    const activities = activitiesOn(await acceleratedQueue());
    await reportCampaign({
      jobId,
      iteration,
      statusDetail: `iteration ${iteration}: ${audit ? 'audit' : 'training'}`,
    });
    stage = 'training';
    // An audit looks at the model that there is.
    const trained = !audit && (await activities.trainIteration({ jobId, iteration }));
    if (trained) {
      await unlessPaused();
      stage = 'scoring';
      await activities.scoreIteration({ jobId, iteration });
    }
    await unlessPaused();
    if (finishing !== undefined) return 0;
    stage = 'selecting';
    const { spectra } = await activities.selectBatch({ jobId, iteration, settings, audit });
    if (spectra > 0 || config.iteration !== undefined) await openBatch({ jobId, iteration });
    // Labels of one class teach nothing, but they can be seen.
    if (iteration > 0 && !audit) embedBeside();
    return spectra;
  }

  async function waitForLabels(): Promise<void> {
    stage = 'labels';
    for (;;) {
      await condition(() => finishing !== undefined || (labelled && !paused) || shouldContinue());
      if (finishing !== undefined || !labelled || paused) return;
      labelled = false;
      if ((await countOpenLabels({ jobId })) === 0) {
        waiting = false;
        return;
      }
    }
  }
  const shouldContinue = () => workflowInfo().continueAsNewSuggested;

  async function continueCampaign(): Promise<never> {
    await embedding;
    await condition(allHandlersFinished);
    return continueAsNew<typeof activeLearning>({
      jobId,
      config,
      resumed: {
        iteration,
        waiting,
        audit,
        paused,
        ...(finishing === undefined ? {} : { finishing }),
        settings,
        nextSettings,
      },
    });
  }

  try {
    if (!resumed) {
      const activities = activitiesOn(await acceleratedQueue());
      const { firstIteration } = await activities.prepareCampaign({ jobId });
      iteration = config.iteration ?? firstIteration;
    }
    if (config.iteration !== undefined) {
      await openNextBatch();
      await embedding;
      const { statusDetail, artifacts } = await activitiesOn(await acceleratedQueue()).describeStep({
        jobId,
        iteration,
      });
      await completeJob({ jobId, statusDetail, artifacts });
      await activitiesOn(TASK_QUEUES.cpu).discardCampaign({ jobId });
      return;
    }
    // A run may begin with both: then the open batch is closed, and learnt from, first.
    while (finishing === undefined || waiting) {
      if (!waiting) {
        await unlessPaused();
        if (finishing !== undefined) break;
        settings = nextSettings;
        if ((await openNextBatch()) === 0) {
          // Where there is nothing to audit the loop goes on, and the stopping rule asks again.
          if (!audit) finishing ??= 'no spectrum is left to label';
          audit = false;
          iteration++;
          continue;
        }
        waiting = true;
      }
      await waitForLabels();
      if (waiting && finishing === undefined) await continueCampaign();
      stage = 'closing';
      waiting = false;
      const closed = await closeBatch({ jobId, iteration });
      finishing ??= closed.stop;
      // What an audit found is true of the model that it looked at: this one makes the catalogue.
      if (audit && closed.stop !== undefined) audited = iteration - 1;
      audit = closed.audit;
      if (config.max_iterations !== undefined && iteration + 1 >= config.max_iterations && !audit)
        finishing ??= `max_iterations ${config.max_iterations} is reached`;
      iteration++;
      if (finishing === undefined && shouldContinue()) await continueCampaign();
    }
    stage = 'finishing';
    await embedding;
    await reportCampaign({ jobId, iteration, statusDetail: `finishing: ${finishing}` });
    const activities = activitiesOn(await acceleratedQueue());
    if (audited === undefined && (await activities.trainIteration({ jobId, iteration })))
      await activities.scoreIteration({ jobId, iteration });
    const { statusDetail, artifacts } = await activities.exportCatalogue({
      jobId,
      iteration: audited ?? iteration,
      reason: finishing,
    });
    await completeJob({ jobId, statusDetail, artifacts });
    await activitiesOn(TASK_QUEUES.cpu).discardCampaign({ jobId });
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    // Whether aborted or failed: the clean-up itself must not be cancelled.
    await CancellationScope.nonCancellable(async () => {
      embeddingScope?.cancel();
      await embedding;
      await failJob({ jobId, ...describeFailure(error) });
      await activitiesOn(await acceleratedQueue()).discardCampaign({ jobId });
    });
    throw error;
  }
}
