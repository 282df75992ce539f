import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { PreprocessingConfigInput } from '../contracts/preprocessing.ts';
import { PART_NAMES, type PartName } from '../deploy/embedded/data-directory.ts';
import type { RunningStack } from './embedded-stack.ts';
import type { Grid } from './grids.ts';
import { fetchHistories, orchestrationShare, recordOf, type WorkflowRecord } from './orchestration.ts';
import { cpuSeconds, watchPeakMemory } from './process-usage.ts';
import { type ReferenceRun, runReference } from './reference-program.ts';
import type { Measurement } from './report.ts';
import { compareRows, countRows } from './result-rows.ts';
import { deleteJob, type EndedJob, runJob, workflowEnded } from './run-job.ts';

/** Of values in [-1, 1]; float32 has 6e-8. */
const LARGEST_DIFFERENCE = 1e-5;

/** A survey of `count` files in one flat directory, and a stack that serves it as its archive. */
export interface Setting {
  survey: string;
  count: number;
  /** An empty directory of ours, on the disk that the stack writes to as well. */
  work: string;
  stack: RunningStack;
  temporal: Client;
  withReference: boolean;
  /** Timed runs of each. */
  repeat: number;
  signal: AbortSignal;
}

/** What one timed job told. */
interface TimedJob {
  job: EndedJob;
  peakBytes: number;
  cpuSeconds: Partial<Record<PartName, number>>;
  orchestrationShare: number;
  record: WorkflowRecord;
  rows: number;
  rejects: number;
}

/**
 * Measures whole jobs on one grid, by turns with the reference program, after untimed runs of each, two of which are compared.
 * @returns the numbers, and the checks that failed
 * @throws Error where a run fails as a whole
 */
export async function measureGrid(
  setting: Setting,
  grid: Grid,
): Promise<{ measurement: Measurement; problems: string[] }> {
  const { count, repeat, withReference, stack, temporal, signal } = setting;
  const problems: string[] = [];
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(`${count} spectra, ${grid.points} points: ${problem}`);
  };
  const config: PreprocessingConfigInput = {
    data_dir_path: '/',
    wave_start_point: grid.fromAngstrom,
    wave_end_point: grid.toAngstrom,
    wave_point_count: grid.points,
  };

  // The reference knows of no bad pixels. These runs warm the page cache, too.
  const compared = await compare(setting, grid, { ...config, bad_pixels: 'keep', reuse: 'never' });
  if (compared !== undefined)
    check(
      compared.largestDifference <= LARGEST_DIFFERENCE,
      `rows differ from the reference's by up to ${compared.largestDifference}`,
    );

  // Other options, other code: what is timed is warmed as well.
  await deleteJob(stack.apiUrl, temporal, await runJob(stack.apiUrl, { ...config, reuse: 'never' }, signal));

  const ours: TimedJob[] = [];
  const reference: ReferenceRun[] = [];
  for (let run = 0; run < repeat; run++) {
    if (withReference) {
      flushDisk();
      reference.push(await timeReference(setting, grid));
    }
    flushDisk();
    ours.push(await timeJob(setting, { ...config, reuse: 'never' }));
  }
  // The first leaves the parts that the second takes over, whatever `never` leaves.
  await deleteJob(stack.apiUrl, temporal, await runJob(stack.apiUrl, config, signal));
  flushDisk();
  const again = await runJob(stack.apiUrl, config, signal);
  const againRows = await countRows(resultOf(setting, again));
  await deleteJob(stack.apiUrl, temporal, again);

  for (const { rows, rejects } of [...ours, againRows])
    check(rows + rejects === count, `${rows} rows and ${rejects} rejects are not ${count} files`);
  for (const { rows, failed } of reference)
    check(rows + failed === count, `the reference has ${rows} rows and ${failed} failures of ${count} files`);
  const last = ours.at(-1);
  const lastReference = reference.at(-1);
  if (last === undefined) throw new Error('nothing was timed');
  const oursPerSecond = count / median(ours.map(({ job }) => job.seconds));
  const referencePerSecond = lastReference && count / median(reference.map(({ seconds }) => seconds));
  const { runs, events, longestRunEvents, payloadBytes } = last.record;
  return {
    problems,
    measurement: {
      count,
      ...grid,
      ours: {
        spectraPerSecond: oursPerSecond,
        seconds: ours.map(({ job }) => job.seconds),
        peakBytes: Math.max(...ours.map(({ peakBytes }) => peakBytes)),
        rejected: last.rejects,
        orchestrationShare: median(ours.map((one) => one.orchestrationShare)),
        cpuSeconds: meanByPart(ours.map((one) => one.cpuSeconds)),
        workflow: { runs, events, longestRunEvents, payloadBytes },
      },
      again: {
        spectraPerSecond: count / again.seconds,
        seconds: again.seconds,
        statusDetail: again.statusDetail,
      },
      reference: lastReference && {
        spectraPerSecond: count / median(reference.map(({ seconds }) => seconds)),
        seconds: reference.map(({ seconds }) => seconds),
        peakBytes: Math.max(...reference.map(({ peakBytes }) => peakBytes)),
        rejected: lastReference.failed,
      },
      ratio: referencePerSecond && oursPerSecond / referencePerSecond,
      compared,
    },
  };
}

/** Runs both once and compares their rows; without a reference it only warms up. */
async function compare(
  setting: Setting,
  grid: Grid,
  config: PreprocessingConfigInput,
): Promise<Measurement['compared']> {
  const { stack, temporal, signal, survey, withReference } = setting;
  const referenceFile = join(setting.work, 'reference.h5');
  if (withReference) await runReference(survey, referenceFile, grid, signal);
  const job = await runJob(stack.apiUrl, config, signal);
  try {
    return withReference ? await compareRows(resultOf(setting, job), referenceFile) : undefined;
  } finally {
    await rm(referenceFile, { force: true });
    await deleteJob(stack.apiUrl, temporal, job);
  }
}

async function timeReference({ survey, work, signal }: Setting, grid: Grid): Promise<ReferenceRun> {
  const out = join(work, 'reference.h5');
  try {
    return await runReference(survey, out, grid, signal);
  } finally {
    await rm(out, { force: true });
  }
}

async function timeJob(setting: Setting, config: PreprocessingConfigInput): Promise<TimedJob> {
  const { stack, temporal, signal } = setting;
  const pids = await stack.pids();
  const before = await cpuSecondsByPart(pids);
  const peakMemory = await watchPeakMemory(pids['cpu worker']);
  let job: EndedJob;
  let peakBytes: number;
  try {
    job = await runJob(stack.apiUrl, config, signal);
    await workflowEnded(temporal, job);
  } finally {
    peakBytes = await peakMemory();
  }
  const after = await cpuSecondsByPart(pids);
  const pidsAfter = await stack.pids();
  const restarted = PART_NAMES.filter((part) => pids[part] !== pidsAfter[part]);
  if (restarted.length > 0) throw new Error(`${restarted.join(', ')} died while it was measured`);
  const record = recordOf(await fetchHistories(temporal, job.id));
  const { rows, rejects } = await countRows(resultOf(setting, job));
  await deleteJob(stack.apiUrl, temporal, job);
  return {
    job,
    peakBytes,
    cpuSeconds: Object.fromEntries(
      PART_NAMES.flatMap((part) => {
        const [from, to] = [before[part], after[part]];
        return from === undefined || to === undefined ? [] : [[part, to - from]];
      }),
    ),
    orchestrationShare: orchestrationShare(job.wall, record.activities),
    record,
    rows,
    rejects,
  };
}

function resultOf({ stack }: Setting, job: EndedJob): string {
  return join(stack.filesDirectory, job.directory, 'result.h5');
}

/** What the run before has left to be written must not slow the next one. */
function flushDisk(): void {
  spawnSync('sync');
}

async function cpuSecondsByPart(pids: Record<PartName, number>): Promise<Partial<Record<PartName, number>>> {
  const seconds: Partial<Record<PartName, number>> = {};
  for (const part of PART_NAMES) seconds[part] = await cpuSeconds(pids[part]);
  return seconds;
}

function meanByPart(runs: Partial<Record<PartName, number>>[]): Partial<Record<PartName, number>> {
  return Object.fromEntries(
    PART_NAMES.flatMap((part) => {
      const values = runs.flatMap((run) => run[part] ?? []);
      return values.length === 0 ? [] : [[part, values.reduce((a, b) => a + b, 0) / values.length]];
    }),
  );
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('no values have no median');
  return (low + high) / 2;
}
