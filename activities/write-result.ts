import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo, ApplicationFailure, Context } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import { PARTS_LOST } from '../contracts/preprocessing.ts';
import { VERSION } from '../contracts/version.ts';
import type { LogEntry } from '../db/repositories/jobs.ts';
import { gridOf } from '../science/preprocess/plan.ts';
import { describeArtifact } from './artifact.ts';
import type { CpuDependencies } from './dependencies.ts';
import { doneParts } from './done-parts.ts';
import { startHeartbeats } from './heartbeats.ts';
import { createConfigReader, forgetShard, readDoneParts, readListing, type WholeListing } from './plan.ts';

export interface WriteResultInput {
  jobId: string;
  /** The shards are not all done, nor even listed: take their parts as they come, for as long as they come. */
  follow: boolean;
  /** The workflow has hashArtifacts read it for its SHA-256 once the job has completed. */
  hashLater?: boolean;
}

/**
 * Merges the parts into the job's result.h5, written beside and renamed, with preview.json.
 * @returns undefined where a merge that follows the shards has given up, or the job shall not have a result
 * @throws ApplicationFailure of type PARTS_LOST, with the shards to be done again
 */
export function createWriteResult(dependencies: CpuDependencies) {
  const { jobs, fileStore, pool, store, tempDir, objects, log } = dependencies;
  const readConfig = createConfigReader(store);

  return async function writeResult(input: WriteResultInput): Promise<{ artifacts: Artifact[] } | undefined> {
    const { jobId, follow, hashLater = false } = input;
    let known: WholeListing | undefined;
    const signal = Context.current().cancellationSignal;
    const stopHeartbeats = startHeartbeats();
    const target = join(tempDir, `${jobId}-${activityInfo().activityId}-${activityInfo().attempt}.h5`);
    const merger = pool.createMerger();
    // Whatever step it is at: the thread ends with the activity.
    signal.addEventListener('abort', () => void merger.close(false), { once: true });
    let isFinished = false;
    try {
      const job = await jobs.find(jobId);
      if (job?.phase !== 'PROCESSING') return { artifacts: [] }; // ended meanwhile: completeJob will refuse too
      if (!follow && !(await knownListing())) throw new Error('the files have not been listed');
      const config = await readConfig(jobId);
      const grid = gridOf(config);
      await merger.run({
        step: 'start',
        objects,
        target,
        wavelengthAngstrom: grid,
        attributes: {
          // How earlier parts are used says nothing of the result.
          configuration: JSON.stringify({ ...config, reuse: undefined }),
          software: `Spectrolabe ${VERSION}`,
        },
        // While they are still being listed there are many.
        maxRows: (await knownListing())?.totalFiles ?? Infinity,
        compression: config.compression,
      });
      const total = { rows: 0, rejects: 0, constant: 0, extrapolated: 0, unbridgedGap: 0, mediumUnknown: 0 };
      let lost: string[] = [];
      const missing: number[] = [];
      for await (const parts of doneParts(store, jobId, { follow, signal })) {
        if ('missing' in parts) {
          missing.push(parts.missing);
          continue;
        }
        ({ lost } = await merger.run({ step: 'append', parts }));
        for (const { header } of parts) {
          total.rows += header.rows;
          total.rejects += header.rejects;
          total.constant += header.flags.constant;
          total.extrapolated += header.flags.extrapolated;
          total.unbridgedGap += header.flags.unbridgedGap;
          total.mediumUnknown += header.flags.mediumUnknown;
        }
      }
      if (follow && missing.length > 0) return undefined;
      if (missing.length > 0 || lost.length > 0) throw await partsLost(missing, lost);
      const listing = await knownListing();
      if (!listing) throw new Error('the files have not been listed');
      // Then the workflow says why there is no result.
      if (follow && (total.rows === 0 || total.rejects / listing.totalFiles > config.max_reject_fraction))
        return undefined;

      const [{ finished, lost: damaged }] = await Promise.all([
        merger.run({
          step: 'finish',
          names: listing.names,
          attributes: { input_sha256: listing.inputSha256 },
        }),
        jobs.appendLogLines(jobId, warningsOf(total, config)),
      ]);
      if (damaged.length > 0) throw await partsLost([], damaged);
      if (!finished) throw new Error('the merge has no result');
      isFinished = true;
      signal.throwIfAborted();
      await fileStore.placeFile(target, `${job.dirPath}/result.h5`);
      await fileStore.writeFile(`${job.dirPath}/preview.json`, Buffer.from(JSON.stringify(finished.preview)));
      const { bytes } = finished;
      await jobs.appendLogLines(jobId, [
        {
          level: 'info',
          message: `result.h5: ${total.rows} spectra × ${grid.length} points, ${bytes} bytes`,
          key: 'result-written',
        },
      ]);
      return {
        artifacts: [
          hashLater
            ? { path: 'result.h5', media_type: 'application/x-hdf5', bytes }
            : await describeArtifact(fileStore, job, 'result.h5', signal),
          await describeArtifact(fileStore, job, 'preview.json'),
        ],
      };
    } finally {
      stopHeartbeats();
      await merger.close(isFinished);
      await rm(target, { force: true });
    }

    async function knownListing(): Promise<WholeListing | undefined> {
      return (known ??= await readListing(store, jobId));
    }

    async function hasPart(shard: number, keys: readonly string[]): Promise<boolean> {
      for (let part = 0, parts = 1; part < parts;) {
        const done = await readDoneParts(store, jobId, shard, part);
        if (!done) return false;
        if (done.references.some(({ key }) => keys.includes(key))) return true;
        parts = done.parts;
        part += done.references.length;
      }
      return false;
    }

    /** Deletes what is damaged, and makes undone the shards that need it. */
    async function partsLost(
      incomplete: readonly number[],
      keys: readonly string[],
    ): Promise<ApplicationFailure> {
      const shards = [...incomplete];
      log.warn({ jobId, shards, keys }, 'parts are gone or damaged; their shards are done again');
      for (const key of keys) await store.deletePrefix(key);
      const shardCount = keys.length > 0 ? ((await knownListing())?.shardCount ?? 0) : 0;
      for (let shard = 0; shard < shardCount; shard++) {
        if (shards.includes(shard) || !(await hasPart(shard, keys))) continue;
        await forgetShard(store, jobId, shard);
        shards.push(shard);
      }
      return ApplicationFailure.create({
        message: `parts are gone or damaged, of ${shards.length} shards`,
        type: PARTS_LOST,
        nonRetryable: true,
        details: [shards],
      });
    }
  };
}

/** What a person should know of the result. */
function warningsOf(
  total: Record<'rejects' | 'constant' | 'extrapolated' | 'unbridgedGap' | 'mediumUnknown', number>,
  config: { outside: string; max_gap: number },
): LogEntry[] {
  const fill = config.outside === 'nan' ? 'NaN' : 'the nearest good value';
  const warnings: [key: string, count: number, what: string][] = [
    ['rejects', total.rejects, "files were rejected; result.h5 rejects/ and the job's page say why"],
    [
      'extrapolated',
      total.extrapolated,
      `spectra do not reach over the whole grid; beyond their data they hold ${fill} (quality/extrapolated)`,
    ],
    [
      'gaps',
      total.unbridgedGap,
      `spectra have gaps longer than ${config.max_gap} pixels, which hold ${fill} (quality/unbridged_gap)`,
    ],
    ['constant', total.constant, 'spectra are constant on this grid (quality/constant)'],
    [
      'medium',
      total.mediumUnknown,
      'files do not say whether their wavelengths are in air or vacuum; taken as they are (quality/medium_unknown)',
    ],
  ];
  return warnings
    .filter(([, count]) => count > 0)
    .map(([key, count, what]) => ({ level: 'warning', message: `${count} ${what}`, key: `result-${key}` }));
}
