import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Decision, SpectrumSet } from '../contracts/labelling.ts';
import type { Transaction } from './connection.ts';
import { labellingHistory, labellings } from './schema.ts';
import { storableText } from './text.ts';

/** Rows of one statement. */
const ROWS_AT_ONCE = 5000;

/** A spectrum that people are to be asked about. */
export interface NewLabelling {
  spectrumSet: SpectrumSet;
  spectrumFilename: string;
  /** What tells the spectrum from all others of the pool; its file name where absent. */
  spectrumKey?: string | undefined;
  /** What its repeats have in common. */
  objectKey?: string | undefined;
  modelPrediction?: string | undefined;
  /** Of each class. */
  probabilities?: readonly number[] | undefined;
}

/** What a person says of a spectrum. An absent field stays as it is, null clears it. */
export interface Answer {
  userLabel?: string | null | undefined;
  decision?: Decision | null | undefined;
  userComment?: string | null | undefined;
  labelledBy?: string | null | undefined;
  /** The label settles a disagreement. */
  settles?: boolean | undefined;
  /** What the person has seen; an absent field is not looked at. */
  expected?: Partial<Record<'userLabel' | 'decision' | 'userComment', string | null | undefined>> | undefined;
}

/** Inserts labellings behind those that their set and iteration have. @returns their ids, in the order given */
export async function insertLabellings(
  tx: Transaction,
  jobId: string,
  rows: readonly (NewLabelling & { sequenceIteration: number })[],
  source: string | null = null,
): Promise<string[]> {
  const ids: string[] = [];
  for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
    const given = rows.slice(first, first + ROWS_AT_ONCE).map((row, i) => ({
      id: randomUUID(),
      place: i,
      spectrum_set: row.spectrumSet,
      sequence_iteration: row.sequenceIteration,
      spectrum_filename: storableText(row.spectrumFilename),
      spectrum_key: storableText(row.spectrumKey ?? row.spectrumFilename),
      object_key: row.objectKey === undefined ? null : storableText(row.objectKey),
      model_prediction: row.modelPrediction ?? null,
      probabilities: row.probabilities ?? null,
    }));
    await tx.execute(sql`
      with given as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as given(id uuid, place int,
          spectrum_set spectrum_set, sequence_iteration int, spectrum_filename text, spectrum_key text, object_key text,
          model_prediction text, probabilities real[])
      ), ends as (
        select spectrum_set, sequence_iteration, max(rank) + 1 as first_rank from ${labellings}
        where job_id = ${jobId}::uuid and source is not distinct from ${source}::text
        group by spectrum_set, sequence_iteration
      )
      insert into ${labellings} (id, job_id, spectrum_set, sequence_iteration, rank, spectrum_filename, spectrum_key,
        object_key, model_prediction, probabilities, source)
      select id, ${jobId}::uuid, spectrum_set, sequence_iteration, coalesce(first_rank, 0) - 1
          + row_number() over (partition by spectrum_set, sequence_iteration order by place),
        spectrum_filename, spectrum_key, object_key, model_prediction, probabilities, ${source}::text
      from given left join ends using (spectrum_set, sequence_iteration)`);
    for (const { id } of given) ids.push(id);
  }
  return ids;
}

/** The columns that an answer is applied to. */
export const ANSWERED = {
  id: labellings.id,
  userLabel: labellings.userLabel,
  decision: labellings.decision,
  userComment: labellings.userComment,
  labelledBy: labellings.labelledBy,
};
type Answered = Pick<typeof labellings.$inferSelect, keyof typeof ANSWERED>;

/** `before` as `answer` leaves it; undefined where it says nothing new. */
export function applied(before: Answered, answer: Answer) {
  let { userLabel, decision } = before;
  if (answer.userLabel !== undefined) userLabel = answer.userLabel;
  if (answer.decision !== undefined) decision = answer.decision;
  // The new one takes the place of the other.
  if (typeof answer.userLabel === 'string') decision = null;
  else if (typeof answer.decision === 'string') userLabel = null;
  const userComment = answer.userComment === undefined ? before.userComment : answer.userComment;
  const person = answer.labelledBy ?? null;
  const settles = answer.settles ?? false;
  const isNewAnswer =
    userLabel !== before.userLabel ||
    decision !== before.decision ||
    settles ||
    // Somebody else says the same.
    ((answer.userLabel ?? answer.decision ?? null) !== null &&
      person !== null &&
      person !== before.labelledBy);
  if (!isNewAnswer && userComment === before.userComment) return undefined;
  return {
    id: before.id,
    userLabel,
    decision,
    userComment,
    labelledBy: isNewAnswer ? person : (person ?? before.labelledBy),
    settles,
    isNewAnswer,
  };
}

/** Would the answer take the place of something that its person has not seen? The same said again takes nobody's place. */
export function overwritesUnseen(before: Answered, answer: Answer): boolean {
  const { expected } = answer;
  if (!expected) return false;
  const after = applied(before, answer) ?? before;
  const fields = ['userLabel', 'decision', 'userComment'] as const;
  return (
    fields.some((field) => after[field] !== before[field]) &&
    fields.some((field) => expected[field] !== undefined && expected[field] !== before[field])
  );
}

/** Writes answers to locked labellings and to their history. @returns how many said anything new */
export async function writeAnswers(
  tx: Transaction,
  given: readonly { before: Answered; answer: Answer }[],
  classListVersion: number,
): Promise<number> {
  const changes = given.flatMap(({ before, answer }) => applied(before, answer) ?? []);
  for (let first = 0; first < changes.length; first += ROWS_AT_ONCE) {
    const part = changes.slice(first, first + ROWS_AT_ONCE);
    const rows = part.map((change, place) => ({
      place,
      labelling_id: change.id,
      user_label: change.userLabel,
      decision: change.decision,
      user_comment: change.userComment,
      labelled_by: change.labelledBy,
      settles: change.settles,
      is_new_answer: change.isNewAnswer,
    }));
    await tx.execute(sql`
      with given as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given(place int, labelling_id uuid,
          user_label text, decision text, user_comment text, labelled_by text, settles boolean, is_new_answer boolean)
      ), entry as (
        insert into ${labellingHistory}
          (labelling_id, user_label, decision, user_comment, labelled_by, given_at, settles, class_list_version)
        select labelling_id, user_label, decision, user_comment, labelled_by, clock_timestamp(), settles,
          ${classListVersion}::int
        from given order by place
        returning id, labelling_id, given_at
      )
      update ${labellings} changed set
        user_comment = given.user_comment,
        user_label = given.user_label,
        decision = given.decision,
        labelled_by = case when not is_new_answer then changed.labelled_by
          when coalesce(given.user_label, given.decision) is not null then given.labelled_by end,
        labelled_at = case when not is_new_answer then changed.labelled_at
          when coalesce(given.user_label, given.decision) is not null then entry.given_at end,
        answer_id = case when is_new_answer then entry.id else changed.answer_id end
      from given join entry using (labelling_id)
      where changed.id = given.labelling_id`);
  }
  return changes.length;
}
