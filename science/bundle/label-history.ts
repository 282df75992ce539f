import type { LabellingValue } from '../../contracts/labelling.ts';
import { lineOf } from '../catalogue/csv.ts';

/** The columns of `labels.csv` in a bundle: `filename` and `label` first, as a table of labels needs them. */
const COLUMNS: Readonly<Record<string, (value: LabellingValue) => string | number | undefined>> = {
  filename: (value) => value.spectrum_filename,
  label: (value) => value.user_label,
  decision: (value) => value.decision,
  comment: (value) => value.user_comment,
  labelled_by: (value) => value.labelled_by,
  given_at: (value) => value.given_at,
  set: (value) => value.spectrum_set,
  iteration: (value) => value.sequence_iteration,
  class_list_version: (value) => value.class_list_version,
  settles: (value) => (value.settles === undefined ? undefined : String(value.settles)),
  source: (value) => value.source,
  labelling_id: (value) => value.labelling_id,
};

/** Every value that anybody gave, in the order given, as CSV (RFC 4180): a line a value. */
export async function* labelHistoryCsv(
  values: AsyncIterable<LabellingValue> | Iterable<LabellingValue>,
): AsyncGenerator<string> {
  yield lineOf(Object.keys(COLUMNS));
  for await (const value of values) yield lineOf(Object.values(COLUMNS).map((of) => String(of(value) ?? '')));
}
