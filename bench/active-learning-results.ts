import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ACQUISITION_STRATEGIES } from '../contracts/active-learning.ts';
import { systemCode } from '../deploy/embedded/process.ts';
import { SETTINGS, type Campaign } from './active-learning-campaign.ts';

/** Raised when equal settings give other numbers: older results are left out then. */
const REVISION = 1;

const Line = z.object({
  /** Of settings and revision. */
  settings: z.string(),
  campaign: z.object({
    strategy: z.enum(ACQUISITION_STRATEGIES),
    rareFraction: z.number(),
    seed: z.int(),
    seconds: z.number(),
    curve: z.array(
      z.object({
        labels: z.int(),
        f1: z.number(),
        f1PerClass: z.array(z.number()),
        labelledPerClass: z.array(z.int()),
        failedFits: z.int(),
        collapsed: z.boolean(),
      }),
    ),
  }),
});

/** Campaigns that have ended, a line of JSON each, so that a run that was ended goes on. */
export class ResultsFile {
  readonly #path: string;
  readonly #settings: string;
  readonly #campaigns: Campaign[];

  private constructor(path: string, settings: string, campaigns: Campaign[]) {
    this.#path = path;
    this.#settings = settings;
    this.#campaigns = campaigns;
  }

  /**
   * Reads what is there; what other settings or other spectra gave is left alone. A last line that was cut is removed.
   * @param hostFiles names of the spectra that lines are injected into
   * @throws Error where another line is none of ours
   */
  static async open(path: string, hostFiles: readonly string[]): Promise<ResultsFile> {
    const settings = createHash('sha256')
      .update(JSON.stringify({ REVISION, SETTINGS, hostFiles }))
      .digest('hex')
      .slice(0, 16);
    const text = await readIfThere(path);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
    const lines = whole.split('\n').filter((line) => line !== '');
    const campaigns = lines
      .map((line) => Line.parse(JSON.parse(line)))
      .flatMap((line) => (line.settings === settings ? [line.campaign] : []));
    return new ResultsFile(path, settings, campaigns);
  }

  get campaigns(): readonly Campaign[] {
    return this.#campaigns;
  }

  async append(campaign: Campaign): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    await appendFile(this.#path, `${JSON.stringify({ settings: this.#settings, campaign })}\n`);
    this.#campaigns.push(campaign);
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}
