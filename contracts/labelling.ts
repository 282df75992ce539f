import { z } from 'zod';
import { DirectoryPath } from './file.ts';
import { Offset, wholeNumber } from './parameter.ts';
import { AnyText, text } from './text.ts';

/** In the order in which labellings are listed. */
export const SPECTRUM_SETS = ['ORACLE', 'PERFORMANCE_ESTIMATION', 'CANDIDATE'] as const;
export const SpectrumSet = z.enum(SPECTRUM_SETS);
export type SpectrumSet = z.infer<typeof SpectrumSet>;

/** An answer instead of a label: the spectrum is left out, or the person cannot tell. */
export const Decision = z.enum(['skip', 'unsure']);
export type Decision = z.infer<typeof Decision>;

const ClassName = text({ min: 1, max: 30 });
const Comment = text({ max: 50 });
const Person = text({ min: 1, max: 100 }).meta({ example: 'A. Maury' });
const Iteration = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const Source = text({ min: 1, max: 200 }).meta({ example: 'Hou et al. 2016, table 3' });

const LABELLING_EXAMPLE = {
  labelling_id: '0b8f6a52-5f0e-4c57-8a5c-2a5f6f1f7d11',
  job_id: '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0',
  spectrum_filename: 'spec-55859-F5902_sp01-001.fits',
  spectrum_set: 'ORACLE',
  sequence_iteration: 1,
  model_prediction: 'double peak',
  user_label: 'single peak',
  labelled_by: 'A. Maury',
  labelled_at: '2026-03-01T11:30:00.000Z',
  probabilities: [0.2, 0.25, 0.55],
};
export const Labelling = z
  .object({
    labelling_id: z.guid(),
    job_id: z.guid(),
    spectrum_filename: z.string(),
    spectrum_set: SpectrumSet,
    sequence_iteration: Iteration,
    model_prediction: z.string().optional(),
    user_label: z.string().optional(),
    user_comment: z.string().optional(),
    decision: Decision.optional(),
    labelled_by: z.string().optional(),
    labelled_at: z.iso.datetime().optional(),
    probabilities: z.array(z.number()).optional().meta({
      description: 'Of each class, in the order of the class list that the batch was opened with',
    }),
    source: z.string().optional().meta({ description: 'Where an imported label comes from' }),
  })
  .meta({ id: 'Labelling', examples: [LABELLING_EXAMPLE] });
export type Labelling = z.infer<typeof Labelling>;

const answer = {
  user_label: ClassName.nullish().meta({ description: 'null clears; a label takes the place of a decision' }),
  user_comment: Comment.nullish(),
  decision: Decision.nullish().meta({ description: 'null clears; a decision takes the place of a label' }),
  labelled_by: Person.nullish(),
};
const hasOneAnswer = ({ user_label, decision }: { user_label?: unknown; decision?: unknown }): boolean =>
  (user_label ?? null) === null || (decision ?? null) === null;
const ONE_ANSWER = { path: ['decision'], error: 'a spectrum has a label or a decision, not both' };
/** The same in the OpenAPI document: one of the two is absent or null. */
const ONE_ANSWER_SCHEMA = {
  anyOf: [{ properties: { user_label: { type: 'null' } } }, { properties: { decision: { type: 'null' } } }],
} as const;
const SETTLES_A_LABEL_SCHEMA = {
  anyOf: [
    { properties: { settles: { const: false } } },
    { required: ['user_label'], properties: { user_label: { type: 'string' } } },
  ],
} as const;

export const CreateLabelling = z
  .object({
    job_id: z.guid(),
    spectrum_filename: text({ min: 1, max: 70 }),
    spectrum_set: SpectrumSet,
    sequence_iteration: Iteration,
    model_prediction: text({ max: 30 }).nullish(),
    probabilities: z.array(z.number().min(0).max(1)).max(1000).nullish(),
    ...answer,
  })
  .refine(hasOneAnswer, ONE_ANSWER)
  .meta({
    id: 'CreateLabelling',
    examples: [
      {
        job_id: LABELLING_EXAMPLE.job_id,
        spectrum_filename: LABELLING_EXAMPLE.spectrum_filename,
        spectrum_set: 'ORACLE',
        sequence_iteration: 0,
      },
    ],
    override: ONE_ANSWER_SCHEMA,
  });
export type CreateLabelling = z.infer<typeof CreateLabelling>;

export const PatchLabelling = z
  .object({
    ...answer,
    expected: z
      .object({
        user_label: ClassName.nullish(),
        decision: Decision.nullish(),
        user_comment: Comment.nullish(),
      })
      .optional()
      .meta({
        description:
          'What whoever answers has seen (null: nothing there). Refused with 409 where a stated field is otherwise by now, ' +
          'unless that is the very answer given here',
      }),
    settles: z
      .boolean()
      .optional()
      .meta({ description: 'This label settles a disagreement about the spectrum' }),
  })
  .refine(hasOneAnswer, ONE_ANSWER)
  .refine(({ settles, user_label }) => settles !== true || typeof user_label === 'string', {
    path: ['settles'],
    error: 'needs a user_label',
  })
  .meta({
    id: 'PatchLabelling',
    examples: [{ user_label: 'single peak', user_comment: 'weak', labelled_by: 'A. Maury' }],
    override: { allOf: [ONE_ANSWER_SCHEMA, SETTLES_A_LABEL_SCHEMA] },
  });
export type PatchLabelling = z.infer<typeof PatchLabelling>;

export const PatchLabellings = z
  .object({ labelling_ids: z.array(z.guid()), batch: z.array(PatchLabelling) })
  .meta({
    id: 'PatchLabellings',
    examples: [{ labelling_ids: [LABELLING_EXAMPLE.labelling_id], batch: [{ user_label: 'single peak' }] }],
  });

const Flag = z.enum(['true', 'false']).transform((text) => text === 'true');
export const LabellingListQuery = z.object({
  job_id: z.guid(),
  set: SpectrumSet.optional(),
  iteration: wholeNumber({ max: 2 ** 31 - 1 }).optional(),
  open: Flag.optional().meta({
    description: 'true: only what has neither label nor decision; false: only what has',
  }),
  imported: Flag.optional().meta({ description: 'true: the imported labels instead of those asked for' }),
  offset: Offset,
  limit: wholeNumber({ max: 1_000_000 }).optional().meta({ description: 'All where absent' }),
});
export type LabellingListQuery = z.infer<typeof LabellingListQuery>;

export const LabellingPage = z
  .object({ job_id: z.guid(), total: z.int().nonnegative(), labellings: z.array(Labelling) })
  .meta({
    id: 'LabellingPage',
    examples: [{ job_id: LABELLING_EXAMPLE.job_id, total: 1, labellings: [LABELLING_EXAMPLE] }],
  });
export type LabellingPage = z.infer<typeof LabellingPage>;

/** A value that somebody gave, as it was given; the newest of a labelling is its present one. */
export const LabellingValue = z
  .object({
    labelling_id: z.guid(),
    spectrum_filename: z.string(),
    spectrum_set: SpectrumSet,
    sequence_iteration: Iteration,
    user_label: z.string().optional(),
    decision: Decision.optional(),
    user_comment: z.string().optional(),
    labelled_by: z.string().optional(),
    given_at: z.iso.datetime(),
    settles: z.boolean().optional(),
    class_list_version: z.int().meta({ description: 'Of the class list that the label is a name in' }),
    source: z.string().optional(),
  })
  .meta({ id: 'LabellingValue' });
export type LabellingValue = z.infer<typeof LabellingValue>;

export const LabellingHistoryQuery = z.object({
  labelling_id: z.guid().optional(),
  offset: Offset,
  limit: wholeNumber({ max: 100_000 }).default(1000),
});
export const LabellingHistoryPage = z
  .object({ job_id: z.guid(), total: z.int().nonnegative(), values: z.array(LabellingValue) })
  .meta({ id: 'LabellingHistoryPage' });

/** One spectrum, or one object, to which different people gave different labels, and nobody settled it since. */
export const Disagreement = z
  .object({
    object: z.string().meta({ description: 'The object, or the spectrum where no objects are known' }),
    labels: z.array(
      z.object({
        user_label: z.string(),
        labelled_by: z.string().optional(),
        given_at: z.iso.datetime(),
        labelling_id: z.guid(),
        spectrum_filename: z.string(),
      }),
    ),
  })
  .meta({ id: 'Disagreement' });
export type Disagreement = z.infer<typeof Disagreement>;
export const DisagreementQuery = z.object({
  offset: Offset,
  limit: wholeNumber({ max: 10_000 }).default(100),
});
export const DisagreementPage = z
  .object({ job_id: z.guid(), total: z.int().nonnegative(), disagreements: z.array(Disagreement) })
  .meta({ id: 'DisagreementPage' });

/** How far a batch is. `open` spectra of the oracle and performance-estimation sets have neither label nor decision. */
export const Batch = z
  .object({
    iteration: Iteration,
    class_list_version: z.int(),
    opened_at: z.iso.datetime(),
    closed_at: z.iso.datetime().optional(),
    closed_how: z.enum(['labelled', 'early']).optional(),
    total: z.int(),
    open: z.int(),
    labelled: z.int(),
    skipped: z.int(),
    unsure: z.int(),
  })
  .meta({ id: 'Batch' });
export type Batch = z.infer<typeof Batch>;
export const BatchPage = z
  .object({ job_id: z.guid(), batches: z.array(Batch) })
  .meta({ id: 'BatchPage', description: 'Newest first' });

const becomes = z.record(AnyText, ClassName.nullable()).meta({
  description:
    'What became of classes of the version before: their new name (renamed, merged) or null (split: their labels must be ' +
    'given again). A class that is not named here keeps its name',
});
export const ClassList = z
  .object({
    version: z.int().min(1),
    classes: z.array(z.string()),
    candidate_classes: z.array(z.string()),
    becomes,
    changed_by: z.string().optional(),
    changed_at: z.iso.datetime().optional(),
  })
  .meta({ id: 'ClassList' });
export type ClassList = z.infer<typeof ClassList>;
export const ClassListPage = z
  .object({ job_id: z.guid(), class_lists: z.array(ClassList) })
  .meta({ id: 'ClassListPage', description: 'Newest first' });

/** That the classes fit each other and those before is checked once the campaign is known (changeClasses). */
export const PatchClasses = z
  .object({
    classes: z
      .array(ClassName)
      .min(2)
      .max(1000)
      .refine((names) => new Set(names).size === names.length, 'must all be different')
      .meta({ uniqueItems: true }),
    candidate_classes: z.array(ClassName).min(1),
    becomes: becomes.default({}),
    changed_by: Person.optional(),
  })
  .meta({
    id: 'PatchClasses',
    examples: [
      {
        classes: ['other', 'single peak', 'double peak', 'P Cygni'],
        candidate_classes: ['double peak', 'P Cygni'],
      },
    ],
  });
export type PatchClasses = z.infer<typeof PatchClasses>;

export const ImportLabels = z
  .object({
    labels_path: DirectoryPath.meta({
      description: 'CSV in the file store with the columns filename and label',
      example: '/labels.csv',
    }),
    source: Source,
    labelled_by: Person.optional(),
  })
  .meta({
    id: 'ImportLabels',
    examples: [{ labels_path: '/labels.csv', source: 'Hou et al. 2016, table 3' }],
  });
export const ImportedLabels = z
  .object({ added: z.int(), changed: z.int(), unchanged: z.int() })
  .meta({ id: 'ImportedLabels' });
export type ImportedLabels = z.infer<typeof ImportedLabels>;

/**
 * What a class of an earlier version of the list is called in its newest one; null where it was split, or is none of the
 * classes. @param lists oldest first
 */
export function currentClassName(lists: readonly ClassList[], version: number, name: string): string | null {
  let current: string | null = name;
  for (const list of lists) {
    if (list.version <= version) continue;
    if (Object.hasOwn(list.becomes, current)) current = list.becomes[current] ?? null;
    if (current === null) return null;
  }
  const newest = lists.at(-1);
  return newest === undefined || newest.classes.includes(current) ? current : null;
}
