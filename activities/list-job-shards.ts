import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { SHARD_WINDOW } from '../contracts/limits.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { type PreprocessingConfig, type ShardListing, SHARDS_LISTED } from '../contracts/preprocessing.ts';
import type { CpuDependencies } from './dependencies.ts';
import { createListShards, type ListedSoFar, MANY_WORKERS } from './list-shards.ts';

/** Resolution λ/Δλ of LAMOST's and SDSS' low-resolution spectrographs. */
const RESOLUTION = 1800;

/**
 * So often the workflow is told of further shards, at first sooner: each time costs it a task. Few workers have enough to do
 * for longer.
 */
const TELL_MS = { manyWorkers: 250, fewWorkers: 1000 } as const;
const FIRST_TELL_MS = 50;
/** Of the first ones it is told as soon as there is one, of the later ones, of a slow disk, by the window. */
const SOON_SHARDS = 64;

/**
 * Lists a job's files, tells its workflow of shards as there are some, says how many files there are, and warns of a grid
 * too coarse for narrow lines.
 */
export function createListJobShards(dependencies: CpuDependencies) {
  const { jobs, countWorkers, log, holdSlot } = dependencies;
  /** How finely the files are cut follows it, and nothing else: it is no reason to fail. */
  async function workersOf(client: Client): Promise<number | undefined> {
    try {
      return await countWorkers(client, TASK_QUEUES.cpu);
    } catch (error) {
      log.warn({ err: error }, 'workers could not be counted; shards are cut as for many');
      return undefined;
    }
  }
  const listShards = createListShards(dependencies);
  return async function listJobShards(input: {
    jobId: string;
    config: PreprocessingConfig;
  }): Promise<ShardListing> {
    const { jobId, config } = input;
    const { client, info } = Context.current();
    const run = info.workflowExecution;
    if (!run) throw new Error('shards are listed for a workflow only');
    const workflow = client.workflow.getHandle(run.workflowId, run.runId);
    const workers = await workersOf(client);
    const tellMs = workers !== undefined && workers < MANY_WORKERS ? TELL_MS.fewWorkers : TELL_MS.manyWorkers;
    let told = { shards: 0, at: 0, againAfterMs: 0 };
    const tell = async ({ files, shards }: ListedSoFar): Promise<void> => {
      const isDue = shards <= SOON_SHARDS || shards - told.shards > SHARD_WINDOW;
      const now = Date.now();
      if (!isDue || now - told.at < told.againAfterMs) return;
      const againAfterMs = Math.min(Math.max(2 * told.againAfterMs, FIRST_TELL_MS), tellMs);
      told = { shards, at: now, againAfterMs };
      await Promise.all([
        workflow.signal<[number]>(SHARDS_LISTED, shards),
        jobs.setProgressTotal(jobId, files),
      ]);
    };
    const dir = config.data_dir_path;
    // A shard would slow down what all workers wait for: the others take the shards meanwhile.
    const giveSlotBack = holdSlot();
    const listing = await listShards(
      { workId: jobId, dir, recursive: config.recursive, config, workers },
      tell,
    ).finally(giveSlotBack);
    const files = listing.totalFiles;
    await jobs.setProgressTotal(jobId, files);
    await jobs.appendLog(jobId, {
      level: 'info',
      message: `${files} files in ${config.data_dir_path}, ${listing.shardCount} shards`,
      key: 'listed',
    });
    const stepAngstrom = (config.wave_end_point - config.wave_start_point) / (config.wave_point_count - 1);
    const halfElementAngstrom = (config.wave_start_point + config.wave_end_point) / 2 / RESOLUTION / 2;
    if (stepAngstrom > halfElementAngstrom)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message:
          `a step of ${stepAngstrom.toFixed(2)} Å is coarser than half a resolution element ` +
          `(${halfElementAngstrom.toFixed(2)} Å at R=${RESOLUTION}): narrow lines lose much of their peak; take more points` +
          (config.interpolation === 'linear'
            ? ', or interpolation flux_conserving, which at least leaves no flux out between grid points'
            : ''),
        key: 'coarse-grid',
      });
    return listing;
  };
}
