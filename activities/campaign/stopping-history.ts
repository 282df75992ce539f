import type { LabellingRow } from '../../db/repositories/labellings.ts';
import type { PrecisionEstimate } from '../../science/metrics/precision.ts';
import type { IterationRecord } from '../../science/stopping/stopping-rule.ts';
import { Selection } from '../network/messages.ts';
import { type Campaign, iterationPath, readJson } from './campaign.ts';

export interface ClosedBatch {
  iteration: number;
  /** The spectra that people were asked about, with the answers that hold. */
  rows: readonly LabellingRow[];
  estimate?: PrecisionEstimate;
}

/** What stopping rules know: a record an iteration. An audit belongs to the model that it looks at. */
export async function stoppingHistory(
  campaign: Campaign,
  closed: readonly ClosedBatch[],
): Promise<IterationRecord[]> {
  const { classList } = campaign;
  const records: IterationRecord[] = [];
  let labels = 0;
  for (const { iteration, rows, estimate } of closed) {
    const path = `${iterationPath(campaign, iteration)}/selection.json`;
    // A campaign that begins with labels has no iteration 0.
    if (rows.length === 0 && iteration === 0) continue;
    const { predictions, audit } = await readJson(campaign, path, Selection);
    labels += rows.filter(({ userLabel }) => userLabel !== null).length;
    const counts = (estimate?.perClass ?? []).map(({ class: index, n, right, undecided }) => ({
      class: classList.classes[index] ?? '',
      n,
      right,
      undecided,
    }));
    const latest = records.at(-1);
    if (audit && latest)
      records[records.length - 1] = {
        ...latest,
        labels,
        audit: counts.map((count) => ({ ...count, population: audit[count.class] ?? 0 })),
      };
    else
      records.push({
        labels,
        ...(predictions && { meanEntropy: predictions.meanEntropy }),
        ...(predictions?.kappa === undefined ? {} : { kappa: predictions.kappa }),
        ...(predictions?.changed === undefined ? {} : { changedFraction: predictions.changed }),
        ...(counts.length === 0 ? {} : { estimates: counts }),
      });
  }
  return records;
}
