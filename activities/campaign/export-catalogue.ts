import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LabellingValue } from '../../contracts/labelling.ts';
import { VERSION } from '../../contracts/version.ts';
import { writeBundle } from '../../science/bundle/bundle.ts';
import { labelHistoryCsv } from '../../science/bundle/label-history.ts';
import type { Artifact } from '../../contracts/job.ts';
import { labellingValue } from '../../db/repositories/labelling-history.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask, type TaskFiles } from '../network-task.ts';
import type { CatalogueLabel, CatalogueTask } from '../network/messages.ts';
import {
  type Campaign,
  iterationName,
  iterationPath,
  openCampaign,
  POOL_DIRECTORY,
  rowOfKey,
} from './campaign.ts';
import { estimateOf } from './estimate.ts';
import { describeJobFiles } from './job-files.ts';

const BUNDLE = 'campaign.tar.gz';
/** Of an iteration: its network. */
const LEARNT = /^(model\/.+|training\.json)$/;
/** Of the job's directory: what is small, and says how each iteration came to be. */
const BUNDLED = [
  /^(catalogue\.(csv|vot|fits|parquet)|objects\.csv|config\.json|perf_est_list\.json|training\.json|training_data\.h5)$/,
  /^model\/[^/]+$/,
  /^pool\/pool\.json$/,
  /^iteration-\d+\/(selection|labels|training|oracle_data|perf_est_list|new_config)\.json$/,
];

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
    const { job, config, classList, fileStore, directory } = campaign;
    const last = iterationPath(campaign, iteration);
    const labels = await catalogueLabels(campaign);
    return runNetworkTask(
      dependencies,
      { jobId, ends: ['catalogued'] },
      async ({ scratchDir, file, directory: directoryOf, given }) => {
        const targetDir = join(scratchDir, 'catalogue');
        await mkdir(targetDir);
        const labelsPath = join(scratchDir, 'labels.json');
        await writeFile(labelsPath, JSON.stringify(labels));
        return {
          kind: 'catalogue',
          jobId,
          poolPath: await given(config.pool_data_path, 'pool_data_path'),
          ...((await fileStore.find(`${last}/predictions.h5`))
            ? { predictionsPath: await file(`${last}/predictions.h5`) }
            : {}),
          candidateClasses: classList.candidate_classes,
          preparedDir: await directoryOf(`${directory}/${POOL_DIRECTORY}`),
          labelsPath,
          precision: await newestPrecision(campaign, iteration),
          targetDir,
        };
      },
      async ({ spectra, objects }, files, signal) => {
        const made = join(files.scratchDir, 'catalogue');
        for (const name of await readdir(made))
          await fileStore.placeFile(join(made, name), `${directory}/${name}`);
        const ofLast = `${iterationName(iteration)}/`;
        const learnt = (await fileStore.listBelow(directory))
          .filter((name) => name.startsWith(ofLast))
          .map((name) => name.slice(ofLast.length))
          .filter((name) => LEARNT.test(name));
        if (learnt.length > 0) await fileStore.remove(`${directory}/model`);
        for (const name of learnt) await fileStore.copyFile(`${last}/${name}`, `${directory}/${name}`);
        await bundle(campaign, files);
        const statusDetail = `${spectra} candidates, ${objects} objects, ${labels.length} labels; ended because ${reason}`;
        await jobs.appendLog(jobId, { level: 'info', message: statusDetail, key: 'exported' });
        return { statusDetail, artifacts: await describeJobFiles(fileStore, job, signal) };
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

  /** What the campaign can be repeated and checked with, in one archive. */
  async function bundle(campaign: Campaign, { scratchDir, file }: TaskFiles): Promise<void> {
    const { job, config, fileStore, directory } = campaign;
    const history = join(scratchDir, 'label-history.csv');
    await pipeline(Readable.from(labelHistoryCsv(historyValues(job.id))), createWriteStream(history));
    const names = (await fileStore.listBelow(directory)).filter((name) =>
      BUNDLED.some((pattern) => pattern.test(name)),
    );
    const files = [];
    for (const name of names) files.push({ name, path: await file(`${directory}/${name}`) });
    const beside = join(scratchDir, BUNDLE);
    await writeBundle(beside, {
      name: `campaign-${job.id}`,
      job_id: job.id,
      software: `Spectrolabe ${VERSION}`,
      platform: `${process.platform} ${process.arch}, Node ${process.versions.node}`,
      inputs: [
        { role: 'pool', path: config.pool_data_path, ...(await fileStore.hash(config.pool_data_path)) },
      ],
      sources: [
        { name: 'label-history.csv', path: history, description: 'every value that anybody gave' },
        ...files,
      ],
    });
    await fileStore.placeFile(beside, `${directory}/${BUNDLE}`);
  }

  async function* historyValues(jobId: string): AsyncGenerator<LabellingValue> {
    for await (const entry of labellings.campaignHistory(jobId)) yield labellingValue(entry);
  }

  /** Of the newest iteration that has one: never pooled over models. */
  async function newestPrecision(
    { job, classList }: Campaign,
    iteration: number,
  ): Promise<CatalogueTask['precision']> {
    // An audit has the number after that of its model.
    for (let k = iteration + 1; k >= 0; k--) {
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
