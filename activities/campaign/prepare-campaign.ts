import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask } from '../network-task.ts';
import { openCampaign, POOL_DIRECTORY } from './campaign.ts';
import { earlierData } from './train-iteration.ts';

/**
 * Looks at the files of a campaign before its first iteration, so that what will not do is said at once.
 * @returns the iteration it begins with: 0 asks without a model, 1 learns from labels that there are
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createPrepareCampaign(dependencies: CampaignDependencies) {
  const { jobs } = dependencies;
  return async function prepareCampaign({ jobId }: { jobId: string }): Promise<{ firstIteration: number }> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return { firstIteration: 0 };
    const { config, classList, fileStore, directory } = campaign;
    return runNetworkTask(
      dependencies,
      { jobId, ends: ['prepared'] },
      async ({ scratchDir, given }) => {
        await mkdir(join(scratchDir, POOL_DIRECTORY));
        return {
          kind: 'prepare',
          poolPath: await given(config.pool_data_path, 'pool_data_path'),
          earlierPaths: await Promise.all(earlierData(config).map(({ path, key }) => given(path, key))),
          ...(config.oracle_data_to_add_path === undefined
            ? {}
            : {
                oracleDataPath: await given(config.oracle_data_to_add_path, 'oracle_data_to_add_path'),
              }),
          classes: classList.classes,
          ...(config.cuts && { cuts: config.cuts }),
          ...(config.objects && { objects: config.objects }),
          targetDir: join(scratchDir, POOL_DIRECTORY),
        };
      },
      async ({ pool }, { scratchDir }) => {
        await fileStore.placeDirectory(join(scratchDir, POOL_DIRECTORY), `${directory}/${POOL_DIRECTORY}`);
        await jobs.appendLog(jobId, {
          level: 'info',
          message: `${pool.rows} spectra in the pool, ${pool.labelled} labels to begin with`,
          key: 'prepared',
        });
        return { firstIteration: pool.labelled > 0 ? 1 : 0 };
      },
    );
  };
}
