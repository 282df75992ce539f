import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  patched,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { ControlActivities } from '../../activities/control.ts';
import type { CpuActivities } from '../../activities/cpu.ts';
import { SHARD_WINDOW, SHARDS_PER_COUNT, SHARDS_PER_RUN, SHARDS_PER_WORKER } from '../../contracts/limits.ts';
import {
  LostShards,
  PARTS_LOST,
  PreprocessWorkflowInput,
  type ShardListing,
} from '../../contracts/preprocessing.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { describeFailure } from '../failure.ts';
import { pauseSignal, progressQuery, resumeSignal } from './messages.ts';

type WrittenResult = NonNullable<Awaited<ReturnType<CpuActivities['writeResult']>>>;

/** So often lost parts are made again. */
const MERGE_ROUNDS = 3;
const RETRY = { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 20 } as const;

// Listing grows with the archive: hours for millions of files on a slow disk. A dead worker shows by its missing
// heartbeat, long before.
const { listJobShards } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '15s',
  retry: RETRY,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
// A shard is about a second of work, a minute on a cold network disk. Cancellation waits for the shard to stop, so
// that nothing is written after the clean-up.
const { preprocessShard } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5s',
  retry: RETRY,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
const MERGING = {
  taskQueue: TASK_QUEUES.merge,
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '5s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const;
const { writeResult } = proxyActivities<CpuActivities>({ ...MERGING, retry: RETRY });
// Another try is no use: the merge after the last shard makes up for it.
const { writeResult: followResult } = proxyActivities<CpuActivities>({
  ...MERGING,
  retry: { maximumAttempts: 1 },
});
const { discardWork } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '10 minutes',
});
// One row each. They retry for as long as the database is away: what happened must be recorded.
const { completeJob, failJob, countWorkers } = proxyActivities<ControlActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
});

/**
 * Preprocesses every spectrum of an archive directory into one result.h5: list → shards on `cpu`, a window at a
 * time → merge → record. A file that cannot be read is a reject, not a failure.
 */
export async function preprocess(
  input: PreprocessWorkflowInput,
): Promise<{ rows: number; rejected: number }> {
  const { jobId, config, resumed } = PreprocessWorkflowInput.parse(input);
  let listing: ShardListing | undefined = resumed?.listing;
  let { nextShard, rows, rejected, reused, paused } = resumed ?? {
    nextShard: 0,
    rows: 0,
    rejected: 0,
    reused: 0,
    paused: false,
  };
  let shardsDone = nextShard;
  setHandler(pauseSignal, () => {
    paused = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
  });
  setHandler(progressQuery, () => ({
    totalFiles: listing?.totalFiles ?? 0,
    shardCount: listing?.shardCount ?? 0,
    shardsDone,
    rows,
    rejected,
    paused,
  }));

  /** Runs the shards before `end`, a window of them at once; after a failure the others are cancelled. */
  async function runShards(end: number): Promise<void> {
    const scope = new CancellationScope();
    const started: Promise<void>[] = [];
    let running = 0;
    let window = SHARD_WINDOW;
    // A job that fits into the smallest window need not know how many workers there are.
    const isWide = end - nextShard > window && patched('window-of-workers');
    let toCount = 0;
    let failure: { error: unknown } | undefined;
    const runShard = async (shard: number): Promise<void> => {
      running++;
      try {
        const done = await preprocessShard({ jobId, shard });
        rows += done.rows;
        rejected += done.rejected;
        reused += done.reused;
        shardsDone++;
      } catch (error) {
        failure ??= { error };
        scope.cancel();
      } finally {
        running--;
      }
    };
    try {
      await scope.run(async () => {
        while (nextShard < end) {
          if (isWide && toCount-- === 0) {
            // A shard that fails meanwhile is told as what it is, not as the end of the counting.
            const workers = await CancellationScope.nonCancellable(() => countWorkers(TASK_QUEUES.cpu));
            window = Math.max(SHARD_WINDOW, SHARDS_PER_WORKER * workers);
            toCount = SHARDS_PER_COUNT - 1;
          }
          await condition(() => failure !== undefined || (!paused && running < window));
          if (failure) return;
          started.push(runShard(nextShard++));
        }
      });
    } finally {
      await Promise.all(started);
    }
    if (failure) throw failure.error;
  }

  /**
   * Merges the shards as they come, so that it is not all left to the end. Where that fails, or gives up because no
   * shard came for a while, the merge after the last shard does it all.
   */
  async function followShards(): Promise<WrittenResult | undefined> {
    try {
      return listing && (await followResult({ jobId, listing, follow: true }));
    } catch {
      return undefined;
    }
  }

  /** Merges all parts; those that turn out to be lost are made again. */
  async function writeWhole(all: ShardListing): Promise<WrittenResult> {
    for (let round = 1; ; round++) {
      try {
        return (await writeResult({ jobId, listing: all, follow: false })) ?? { artifacts: [] };
      } catch (error) {
        const lost = lostShards(error);
        if (!lost || round === MERGE_ROUNDS) throw error;
        for (const shard of lost) await preprocessShard({ jobId, shard });
      }
    }
  }

  let merging: CancellationScope | undefined;
  let followed: Promise<WrittenResult | undefined> | undefined;
  try {
    listing ??= await listJobShards({ jobId, config });
    if (listing.totalFiles === 0)
      throw ApplicationFailure.nonRetryable(`there is no file in ${config.data_dir_path}`, 'NoSpectra');
    const end = Math.min(listing.shardCount, nextShard + SHARDS_PER_RUN);
    if (end === listing.shardCount && end > 1 && patched('merge-follows-shards')) {
      merging = new CancellationScope();
      followed = merging.run(followShards);
    }
    await runShards(end);
    if (end < listing.shardCount)
      await continueAsNew<typeof preprocess>({
        jobId,
        config,
        resumed: { listing, nextShard, rows, rejected, reused, paused },
      });
    if (rows === 0)
      throw ApplicationFailure.nonRetryable(
        `none of the ${listing.totalFiles} files gave a spectrum; the rejects say why`,
        'NoSpectra',
      );
    if (rejected / listing.totalFiles > config.max_reject_fraction)
      throw ApplicationFailure.nonRetryable(
        `${rejected} of ${listing.totalFiles} files were rejected, more than max_reject_fraction ${config.max_reject_fraction}`,
        'TooManyRejects',
      );
    const { artifacts } = (await followed) ?? (await writeWhole(listing));
    const recorded = await completeJob({
      jobId,
      statusDetail: `${rows} spectra, ${rejected} rejected${reused > 0 ? `, ${reused} files reused from an earlier job` : ''}`,
      artifacts,
    });
    await discardWork({ workId: jobId, withResult: !recorded });
    return { rows, rejected };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    // Whether aborted or failed: the clean-up itself must not be cancelled.
    await CancellationScope.nonCancellable(async () => {
      merging?.cancel();
      await followed;
      // After an ABORT the row refuses it; a cancellation that came from Temporal's own UI must be told.
      await failJob({ jobId, ...describeFailure(error) });
      await discardWork({ workId: jobId, withResult: true });
    });
    throw error;
  }
}

/** The shards of a PARTS_LOST failure. */
function lostShards(error: unknown): number[] | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== PARTS_LOST) return undefined;
  return LostShards.parse(cause.details?.[0]);
}
