import type { Labelling } from '../../../contracts/labelling.ts';
import { saidOf } from './said.ts';
import { texts } from '../../texts.ts';

export type TableFilter = keyof typeof texts.labelling.tableFilters;
export const TABLE_FILTERS: readonly TableFilter[] = [
  'all',
  'open',
  'answered',
  'mine',
  'others',
  'unsure',
  'differs',
];
export const SORTED_BY = [
  'set',
  'spectrum',
  'prediction',
  'probability',
  'answer',
  'by',
  'at',
  'comment',
] as const;
export type SortedBy = (typeof SORTED_BY)[number];

export interface TableRow {
  labelling: Labelling;
  set: string;
  spectrum: string;
  prediction: string;
  /** Of the predicted class; undefined without a network. */
  probability: number | undefined;
  answer: string;
  by: string;
  /** RFC 3339; '' where nobody answered. */
  at: string;
  comment: string;
}

/** A row of the table; what the network says is left out of a blind one. */
export function tableRow(
  labelling: Labelling,
  { predictedClasses, isBlind }: { predictedClasses: readonly string[]; isBlind: boolean },
): TableRow {
  const prediction = isBlind ? undefined : labelling.model_prediction;
  return {
    labelling,
    set: texts.labelling.spectrumSets[labelling.spectrum_set].short,
    spectrum: labelling.spectrum_filename,
    prediction: prediction === '-' ? '' : (prediction ?? ''),
    probability:
      prediction === undefined ? undefined : labelling.probabilities?.[predictedClasses.indexOf(prediction)],
    answer: saidOf(labelling),
    by: labelling.labelled_by ?? '',
    at: labelling.labelled_at ?? '',
    comment: labelling.user_comment ?? '',
  };
}

export function isShown({ labelling, prediction }: TableRow, filter: TableFilter, person: string): boolean {
  const { user_label: label, decision, labelled_by: by } = labelling;
  const isAnswered = label !== undefined || decision !== undefined;
  const shows: Record<TableFilter, boolean> = {
    all: true,
    open: !isAnswered,
    answered: isAnswered,
    mine: isAnswered && by === person,
    others: isAnswered && by !== person,
    unsure: decision !== undefined,
    differs: label !== undefined && prediction !== '' && label !== prediction,
  };
  return shows[filter];
}

/** Rows in the order of a column; what is empty comes last, and equal rows stay as they were. */
export function sortRows(rows: readonly TableRow[], by: SortedBy | undefined, falling: boolean): TableRow[] {
  if (by === undefined) return [...rows];
  const isEmpty = (value: string | number | undefined) => value === undefined || value === '';
  return rows.toSorted((a, b) => {
    const [one, other] = [a[by], b[by]];
    if (isEmpty(one) || isEmpty(other)) return Number(isEmpty(one)) - Number(isEmpty(other));
    const order =
      typeof one === 'number' && typeof other === 'number'
        ? one - other
        : String(one).localeCompare(String(other), 'en', { numeric: true });
    return falling ? -order : order;
  });
}

const COLUMNS = [
  'labelling_id',
  'spectrum_filename',
  'spectrum_set',
  'sequence_iteration',
  'model_prediction',
  'user_label',
  'decision',
  'user_comment',
  'labelled_by',
  'labelled_at',
] as const;

/** RFC 4180, with the names of the REST API. */
export function toCsv(labellings: readonly Labelling[]): string {
  const quote = (value: string | number | undefined) => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [COLUMNS, ...labellings.map((labelling) => COLUMNS.map((name) => labelling[name]))]
    .map((cells) => `${cells.map(quote).join(',')}\r\n`)
    .join('');
}
