import type { Labelling } from '../../../contracts/labelling.ts';

/** A share with its interval (95 %), as the campaign told it. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}
/** What a campaign told of one iteration; what it did not is absent. */
export interface IterationNumbers {
  iteration: number;
  /** Labels that its network learnt from: those of the batches before. */
  labels: number;
  labelled?: number;
  asked?: number;
  candidates?: number;
  meanEntropy?: number;
  kappa?: number;
  changed?: number;
  /** By class. */
  precision: Readonly<Record<string, Estimate>>;
  predicted: Readonly<Record<string, number>>;
}
interface ToldMetric {
  id: number;
  name: string;
  step?: number | undefined;
  value: number;
}

const KEYS = {
  labelled: 'labelled',
  asked: 'asked',
  candidates: 'candidates',
  mean_entropy: 'meanEntropy',
  kappa: 'kappa',
  changed: 'changed',
} as const;
const isKey = (name: string): name is keyof typeof KEYS => Object.hasOwn(KEYS, name);

/**
 * The iterations of a campaign out of what `/metrics` and the event stream told, in any order and partly twice.
 * @param given labels that were there before its first batch
 */
export function iterationsOf(sources: readonly (readonly ToldMetric[])[], given = 0): IterationNumbers[] {
  const byId = new Map(sources.flat().map((metric) => [metric.id, metric]));
  const told = new Map<number, Map<string, number>>();
  for (const { name, step, value } of [...byId.values()].sort((a, b) => a.id - b.id)) {
    const isOfIteration = isKey(name) || /^(precision|precision_lower|precision_upper|predicted) /.test(name);
    if (step === undefined || !isOfIteration) continue;
    const values = told.get(step) ?? new Map<string, number>();
    told.set(step, values.set(name, value));
  }
  let labels = given;
  return [...told.entries()]
    .sort(([a], [b]) => a - b)
    .map(([iteration, values]) => {
      const numbers = numbersOf(iteration, labels, values);
      labels += numbers.labelled ?? 0;
      return numbers;
    });
}

function numbersOf(iteration: number, labels: number, values: ReadonlyMap<string, number>): IterationNumbers {
  const precision: Record<string, Estimate> = {};
  const predicted: Record<string, number> = {};
  const known: Partial<Record<(typeof KEYS)[keyof typeof KEYS], number>> = {};
  for (const [name, value] of values) {
    if (isKey(name)) known[KEYS[name]] = value;
    else if (name.startsWith('predicted ')) predicted[name.slice('predicted '.length)] = value;
    else if (name.startsWith('precision ')) {
      const of = name.slice('precision '.length);
      const [low, high] = [values.get(`precision_lower ${of}`), values.get(`precision_upper ${of}`)];
      if (low !== undefined && high !== undefined) precision[of] = { value, low, high };
    }
  }
  return { iteration, labels, ...known, precision, predicted };
}

/** How far the estimate of an iteration is: its sample by predicted class (columns) and label (rows). */
export interface EstimateSample {
  /** Labels, then what was skipped or is not sure, then what is open. */
  rows: { label: string; kind: 'class' | 'undecided' | 'open'; counts: number[] }[];
  predicted: string[];
  /** By predicted class: size of the sample, answers, and right ones among them. */
  perClass: { name: string; n: number; labelled: number; right: number }[];
}

/** The sample from which the precision of an iteration's network is estimated; undefined where there is none. */
export function estimateSample(
  labellings: readonly Labelling[],
  iteration: number,
  { classes, candidates }: { classes: readonly string[]; candidates: readonly string[] },
): EstimateSample | undefined {
  const sample = labellings.filter(
    (one) => one.spectrum_set === 'PERFORMANCE_ESTIMATION' && one.sequence_iteration === iteration,
  );
  if (sample.length === 0) return undefined;
  const predicted = candidates.filter((name) => sample.some((one) => one.model_prediction === name));
  const count = (matches: (one: Labelling) => boolean) =>
    predicted.map((name) => sample.filter((one) => one.model_prediction === name && matches(one)).length);
  const isOpen = (one: Labelling) => one.user_label === undefined && one.decision === undefined;
  const rows: EstimateSample['rows'] = [
    ...classes.map((label) => ({
      label,
      kind: 'class' as const,
      counts: count((one) => one.user_label === label),
    })),
    { label: '', kind: 'undecided', counts: count((one) => one.decision !== undefined) },
    { label: '', kind: 'open', counts: count(isOpen) },
  ];
  return {
    rows: rows.filter(({ kind, counts }) => kind === 'class' || counts.some((n) => n > 0)),
    predicted,
    perClass: predicted.map((name) => {
      const own = sample.filter((one) => one.model_prediction === name);
      const labelled = own.filter((one) => one.user_label !== undefined);
      return {
        name,
        n: own.length,
        labelled: labelled.length,
        right: labelled.filter((one) => one.user_label === name).length,
      };
    }),
  };
}

/** What one person has answered in a campaign. */
export interface PersonCounts {
  /** Empty for answers that nobody put a name to. */
  person: string;
  labelled: number;
  skipped: number;
  unsure: number;
  perClass: Readonly<Record<string, number>>;
  /** RFC 3339. */
  last: string | undefined;
}

/** Answers by person, the busiest first. */
export function countsByPerson(labellings: readonly Labelling[]): PersonCounts[] {
  const people = new Map<string, PersonCounts & { perClass: Record<string, number> }>();
  for (const { user_label: label, decision, labelled_by: person = '', labelled_at: at } of labellings) {
    if (label === undefined && decision === undefined) continue;
    const counts = people.get(person) ?? {
      person,
      labelled: 0,
      skipped: 0,
      unsure: 0,
      perClass: {},
      last: undefined,
    };
    people.set(person, counts);
    if (label !== undefined) {
      counts.labelled += 1;
      counts.perClass[label] = (counts.perClass[label] ?? 0) + 1;
    } else if (decision === 'skip') counts.skipped += 1;
    else counts.unsure += 1;
    if (at !== undefined && (counts.last === undefined || at > counts.last)) counts.last = at;
  }
  return [...people.values()].sort((a, b) => b.labelled - a.labelled);
}
