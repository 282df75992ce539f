import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo, Context } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import type { PreprocessingConfig, ShardListing } from '../contracts/preprocessing.ts';
import { VERSION } from '../contracts/version.ts';
import { planPreprocessing } from '../science/preprocess/preprocess-spectrum.ts';
import type { CpuDependencies } from './dependencies.ts';
import { describeArtifact } from './artifact.ts';
import { startHeartbeats } from './heartbeats.ts';

export interface WriteResultInput {
  jobId: string;
  config: PreprocessingConfig;
  listing: ShardListing;
}

/** Merges the parts into the job's result.h5, written beside and renamed, with preview.json and log.txt. */
export function createWriteResult({ jobs, fileStore, pool, tempDir, objectsDir }: CpuDependencies) {
  return async function writeResult({
    jobId,
    config,
    listing,
  }: WriteResultInput): Promise<{ artifacts: Artifact[] }> {
    const context = Context.current();
    const stopHeartbeats = startHeartbeats();
    const target = join(tempDir, `${jobId}-${activityInfo().attempt}.h5`);
    try {
      const job = await jobs.find(jobId);
      if (job?.phase !== 'PROCESSING') return { artifacts: [] }; // ended meanwhile: completeJob will refuse too
      const directory = await fileStore.makeDirectory(job.dirPath);
      const plan = planPreprocessing(config);
      const merged = await pool.mergeParts(
        {
          objectsDir,
          workId: jobId,
          shardCount: listing.shardCount,
          wavelengthAngstrom: plan.grid,
          attributes: {
            configuration: JSON.stringify(config),
            software: `Spectrolabe ${VERSION}`,
            input_sha256: listing.inputSha256,
          },
          target,
        },
        context.cancellationSignal,
      );
      context.cancellationSignal.throwIfAborted();
      const result = await describeArtifact(target, 'result.h5', context.cancellationSignal);
      context.cancellationSignal.throwIfAborted();
      await rename(target, join(directory, 'result.h5'));
      await fileStore.writeFile(`${job.dirPath}/preview.json`, Buffer.from(JSON.stringify(merged.preview)));

      const { flags } = merged;
      const line = (key: string, level: 'info' | 'warning', message: string) =>
        jobs.appendLog(jobId, { level, message, key: `result-${key}` });
      if (merged.rejects > 0)
        await line(
          'rejects',
          'warning',
          `${merged.rejects} files were rejected; result.h5 rejects/ and the job's page say why`,
        );
      const fill = config.outside === 'nan' ? 'NaN' : 'the nearest good value';
      if (flags.extrapolated > 0)
        await line(
          'extrapolated',
          'warning',
          `${flags.extrapolated} spectra do not reach over the whole grid; beyond their data they hold ${fill} (quality/extrapolated)`,
        );
      if (flags.unbridgedGap > 0)
        await line(
          'gaps',
          'warning',
          `${flags.unbridgedGap} spectra have gaps longer than ${config.max_gap} pixels, which hold ${fill} (quality/unbridged_gap)`,
        );
      if (flags.constant > 0)
        await line(
          'constant',
          'warning',
          `${flags.constant} spectra are constant on this grid (quality/constant)`,
        );
      if (flags.mediumUnknown > 0)
        await line(
          'medium',
          'warning',
          `${flags.mediumUnknown} files do not say whether their wavelengths are in air or vacuum; taken as they are (quality/medium_unknown)`,
        );
      await line(
        'written',
        'info',
        `result.h5: ${merged.rows} spectra × ${plan.grid.length} points, ${result.bytes} bytes, sha256 ${result.sha256}`,
      );
      return {
        artifacts: [result, await describeArtifact(join(directory, 'preview.json'), 'preview.json')],
      };
    } finally {
      stopHeartbeats();
      await rm(target, { force: true });
    }
  };
}
