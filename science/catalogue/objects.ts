import type { CandidateRow, ObjectRow } from './table.ts';

/** A candidate with its object: a number that does not fall from row to row. */
export interface CandidateOfObject extends CandidateRow {
  object: number;
}

/**
 * One row an object, from its candidates. Position, class and probability are those of its most probable spectrum (of
 * equally probable ones the first), with the first designation and position there is; the label is the newest: that of the
 * last iteration.
 * @throws RangeError where the objects fall
 */
export async function* objectRows(
  candidates: AsyncIterable<CandidateOfObject> | Iterable<CandidateOfObject>,
): AsyncGenerator<ObjectRow> {
  let open: CandidateOfObject[] = [];
  for await (const candidate of candidates) {
    const [first] = open;
    if (first !== undefined && candidate.object !== first.object) {
      if (candidate.object < first.object)
        throw new RangeError(`object ${candidate.object} comes after ${first.object}`);
      yield merged(open, first);
      open = [];
    }
    open.push(candidate);
  }
  const [first] = open;
  if (first !== undefined) yield merged(open, first);
}

function merged(candidates: readonly CandidateOfObject[], first: CandidateOfObject): ObjectRow {
  const byProbability = [...candidates].sort((a, b) => (b.probability ?? -1) - (a.probability ?? -1));
  const [best = first] = byProbability;
  const labelled = candidates
    .filter(({ label }) => label !== undefined)
    .reduce<CandidateOfObject | undefined>(
      (newest, one) =>
        newest !== undefined && (newest.iteration ?? -1) >= (one.iteration ?? -1) ? newest : one,
      undefined,
    );
  const placed = byProbability.find(({ ra, dec }) => Number.isFinite(ra) && Number.isFinite(dec));
  return {
    designation: byProbability.find(({ designation }) => designation)?.designation,
    ra: placed?.ra,
    dec: placed?.dec,
    class: best.class,
    probability: best.probability,
    label: labelled?.label,
    labelled_by: labelled?.labelled_by,
    iteration: labelled?.iteration,
    n_spectra: candidates.length,
    spectra: byProbability.map(({ filename }) => filename).join(';'),
  };
}
