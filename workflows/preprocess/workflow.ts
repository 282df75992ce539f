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
import { pauseSignal, progressQuery, resumeSignal, shardsListedSignal } from './messages.ts';

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
// The job has completed by then: whatever is in the way, it is tried again.
const { hashArtifacts } = proxyActivities<CpuActivities>({
  ...MERGING,
  retry: { initialInterval: '1s', maximumInterval: '1 minute' },
});
// Another try is no use: the merge after the last shard makes up for it.
const { writeResult: followResult } = proxyActivities<CpuActivities>({
  ...MERGING,
  retry: { maximumAttempts: 1 },
});
const { discardWork } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5s',
});
// One row each. They retry for as long as the database is away: what happened must be recorded.
const { completeJob, failJob, countWorkers } = proxyActivities<ControlActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
});

/**
 * Preprocesses every spectrum of an archive directory into one result.h5: list → shards on `cpu`, a window at a
 * time, while more are being listed → merge → record. A file that cannot be read is a reject, not a failure.
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
  /** Nobody waits for the SHA-256 of a file that takes as long to read as a tenth of the job. */
  const hashLater = patched('hash-after-completion');
  /** Shards that can be worked on: more may be on their way. */
  let shardsListed = listing?.shardCount ?? 0;
  /** This run does the shards before this one. */
  const endOfRun = nextShard + SHARDS_PER_RUN;
  let merging: CancellationScope | undefined;
  let followed: Promise<WrittenResult | undefined> | undefined;
  setHandler(shardsListedSignal, (shards) => {
    shardsListed = Math.max(shardsListed, shards);
  });
  setHandler(pauseSignal, () => {
    paused = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
  });
  setHandler(progressQuery, () => ({
    totalFiles: listing?.totalFiles ?? 0,
    shardCount: shardsListed,
    shardsDone,
    rows,
    rejected,
    paused,
  }));

  /** Lists the files. */
  async function list(): Promise<void> {
    listing = await listJobShards({ jobId, config });
    if (listing.totalFiles === 0)
      throw ApplicationFailure.nonRetryable(`there is no file in ${config.data_dir_path}`, 'NoSpectra');
    shardsListed = listing.shardCount;
  }

  /** Runs this run's shards, a window of them at once; after a failure the others are cancelled. */
  async function runShards({ whileListing }: { whileListing: boolean }): Promise<void> {
    const scope = new CancellationScope();
    const started: Promise<void>[] = [];
    const first = nextShard;
    let running = 0;
    let window = SHARD_WINDOW;
    // A job that fits into the smallest window need not know how many workers there are.
    let isWide: boolean | undefined;
    let toCount = 0;
    let failure: { error: unknown } | undefined;
    const fail = (error: unknown): void => {
      failure ??= { error };
      scope.cancel();
    };
    const runShard = async (shard: number): Promise<void> => {
      running++;
      try {
        const done = await preprocessShard({ jobId, shard });
        rows += done.rows;
        rejected += done.rejected;
        reused += done.reused;
        shardsDone++;
      } catch (error) {
        fail(error);
      } finally {
        running--;
      }
    };
    const end = () => Math.min(listing?.shardCount ?? Infinity, endOfRun);
    try {
      await scope.run(async () => {
        if (whileListing) started.push(list().catch(fail));
        while (nextShard < end()) {
          if (Math.min(shardsListed, endOfRun) - first > SHARD_WINDOW)
            isWide ??= patched('window-of-workers');
          if (isWide && toCount-- === 0) {
            // A shard that fails meanwhile is told as what it is, not as the end of the counting.
            const workers = await CancellationScope.nonCancellable(() => countWorkers(TASK_QUEUES.cpu));
            window = Math.max(SHARD_WINDOW, SHARDS_PER_WORKER * workers);
            toCount = SHARDS_PER_COUNT - 1;
          }
          const canStart = () => !paused && running < window && nextShard < shardsListed;
          await condition(() => failure !== undefined || nextShard >= end() || canStart());
          if (failure) return;
          if (!canStart()) continue;
          if (whileListing) beginMerge();
          started.push(runShard(nextShard++));
        }
      });
    } catch (error) {
      fail(error);
    }
    await Promise.all(started);
    if (failure) throw failure.error;
  }

  /** Where this run ends with the last shard, as far as is known, merges beside it. */
  function beginMerge(): void {
    if (merging || shardsListed > endOfRun || shardsListed <= 1 || !patched('merge-follows-shards')) return;
    merging = new CancellationScope();
    followed = merging.run(followShards);
  }

  /**
   * Merges the shards as they come, so that it is not all left to the end. Where that fails, or gives up because no
   * shard came for a while, the merge after the last shard does it all.
   */
  async function followShards(): Promise<WrittenResult | undefined> {
    try {
      return await followResult({ jobId, follow: true, hashLater });
    } catch {
      return undefined;
    }
  }

  /** Merges all parts; those that turn out to be lost are made again. */
  async function writeWhole(): Promise<WrittenResult> {
    for (let round = 1; ; round++) {
      try {
        return (await writeResult({ jobId, follow: false, hashLater })) ?? { artifacts: [] };
      } catch (error) {
        const lost = lostShards(error);
        if (!lost || round === MERGE_ROUNDS) throw error;
        for (const shard of lost) await preprocessShard({ jobId, shard });
      }
    }
  }

  try {
    if (!listing && patched('shards-while-listing')) await runShards({ whileListing: true });
    else {
      if (!listing) await list();
      beginMerge();
      await runShards({ whileListing: false });
    }
    if (!listing) throw new Error('the files have not been listed');
    if (nextShard < listing.shardCount) {
      // It was begun when less had been listed, and would not outlive this run.
      merging?.cancel();
      await followed;
      await continueAsNew<typeof preprocess>({
        jobId,
        config,
        resumed: { listing, nextShard, rows, rejected, reused, paused },
      });
    }
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
    const { artifacts } = (await followed) ?? (await writeWhole());
    const recorded = await completeJob({
      jobId,
      statusDetail: `${rows} spectra, ${rejected} rejected${reused > 0 ? `, ${reused} files reused from an earlier job` : ''}`,
      artifacts,
    });
    await Promise.all([
      discardWork({ workId: jobId, withResult: !recorded }),
      recorded && hashLater ? hashArtifacts({ jobId }) : undefined,
    ]);
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
