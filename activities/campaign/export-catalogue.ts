import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../contracts/job.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { hostPath, runNetworkTask } from '../network-task.ts';
import type { CatalogueLabel, CatalogueTask } from '../network/messages.ts';
import { type Campaign, iterationName, openCampaign, POOL_DIRECTORY, rowOfKey } from './campaign.ts';
import { estimateOf } from './estimate.ts';
import { describeJobFiles } from './job-files.ts';

/** Writes the catalogue of a campaign that ends, and puts its last model in the job's directory. */
export function createExportCatalogue(dependencies: CampaignDependencies) {
  const { jobs, labellings } = dependencies;
  return async function exportCatalogue({
    jobId,
    iteration,
    reason,
  }: {
    jobId: string;
    iteration: number;
    reason: string;
  }): Promise<{ statusDetail: string; artifacts: Artifact[] }> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return { statusDetail: '', artifacts: [] };
    const { config, classList, directory } = campaign;
    const last = join(directory, iterationName(iteration));
    const labels = await catalogueLabels(campaign);
    return runNetworkTask(
      dependencies,
      { jobId, ends: ['catalogued'] },
      async (scratchDir) => {
        const targetDir = join(scratchDir, 'catalogue');
        await mkdir(targetDir);
        const labelsPath = join(scratchDir, 'labels.json');
        await writeFile(labelsPath, JSON.stringify(labels));
        return {
          kind: 'catalogue',
          jobId,
          poolPath: await hostPath(dependencies, config.pool_data_path, 'pool_data_path'),
          ...(existsSync(join(last, 'predictions.h5'))
            ? { predictionsPath: join(last, 'predictions.h5') }
            : {}),
          candidateClasses: classList.candidate_classes,
          preparedDir: join(directory, POOL_DIRECTORY),
          labelsPath,
          precision: await newestPrecision(campaign, iteration),
          targetDir,
        };
      },
      async ({ spectra, objects }, scratchDir, signal) => {
        for (const name of await readdir(join(scratchDir, 'catalogue')))
          await rename(join(scratchDir, 'catalogue', name), join(directory, name));
        for (const name of ['model', 'training.json']) {
          if (!existsSync(join(last, name))) continue;
          await cp(join(last, name), join(scratchDir, name), { recursive: true });
          await rm(join(directory, name), { recursive: true, force: true });
          await rename(join(scratchDir, name), join(directory, name));
        }
        const statusDetail = `${spectra} candidates, ${objects} objects, ${labels.length} labels; ended because ${reason}`;
        await jobs.appendLog(jobId, { level: 'info', message: statusDetail, key: 'exported' });
        return { statusDetail, artifacts: await describeJobFiles(directory, signal) };
      },
    );
  };

  async function catalogueLabels({ job, classList }: Campaign): Promise<CatalogueLabel[]> {
    const labels: CatalogueLabel[] = [];
    for await (const one of labellings.newestLabels(job.id, classList.version)) {
      const row = rowOfKey(one.spectrumKey);
      labels.push({
        ...(row === undefined ? {} : { row }),
        filename: one.spectrumFilename,
        label: one.label,
        ...(one.labelledBy === null ? {} : { labelledBy: one.labelledBy }),
        iteration: one.iteration,
      });
    }
    return labels;
  }

  /** Of the newest iteration that has one: never pooled over models. */
  async function newestPrecision(
    { job, classList }: Campaign,
    iteration: number,
  ): Promise<CatalogueTask['precision']> {
    for (let k = iteration; k >= 0; k--) {
      const estimate = estimateOf(await labellings.listBatchRows(job.id, k), classList);
      if (estimate === undefined) continue;
      return estimate.perClass.map(({ class: index, n, right, precision, lower, upper }) => ({
        class: classList.classes[index] ?? '',
        n,
        right,
        ...(precision === undefined ? {} : { precision }),
        lower,
        upper,
        confidence: estimate.confidence,
        method: `uniform sample of the spectra that the network of iteration ${k} took for the class, ${estimate.method} interval`,
      }));
    }
    return [];
  }
}
