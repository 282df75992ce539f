import { z } from 'zod';
import { PoolCuts } from './cuts.ts';
import { ObjectGrouping } from './objects.ts';
import { DEFAULT_NETWORK, NetworkArchitecture } from './network.ts';

/** A path in the file store. Old clients write "" for one that is not used. */
const StorePath = z.string().startsWith('/', 'must start with /').max(4096);
const OptionalPath = z
  .union([z.literal(''), StorePath])
  .optional()
  .transform((path) => path || undefined);
const ClassName = z.string().min(1).max(30);

/** Acquisition functions: how the spectra whose labels teach most are picked. See docs/active-learning.md. */
export const ACQUISITION_STRATEGIES = [
  'entropy',
  'margin',
  'least_confidence',
  'bald',
  'density_weighted',
  'core_set',
  'badge',
  'random',
] as const;
export const AcquisitionStrategy = z.enum(ACQUISITION_STRATEGIES);
export type AcquisitionStrategy = z.infer<typeof AcquisitionStrategy>;

const Iterations = z.int().min(1).max(1000).default(3);

/** When a campaign ends by itself. Whatever the rule, a person may finish it before. */
export const StoppingRule = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('none') }),
  z.strictObject({ rule: z.literal('label_budget'), labels: z.int().min(1) }),
  z
    .strictObject({
      rule: z.literal('prediction_agreement'),
      kappa: z.number().min(0).max(1).default(0.99),
      iterations: Iterations,
    })
    .meta({
      description:
        'Cohen’s kappa between the predictions of one iteration and the next, so many times running',
    }),
  z
    .strictObject({ rule: z.literal('overall_uncertainty'), mean_entropy: z.number().min(0).default(0.01) })
    .meta({ description: 'The mean entropy [nat] of the predictions falls below this' }),
  z
    .strictObject({
      rule: z.literal('classification_change'),
      fraction: z.number().min(0).max(1).default(0.001),
      iterations: Iterations,
    })
    .meta({ description: 'No more than this fraction of the pool changes its class, so many times running' }),
  z
    .strictObject({
      rule: z.literal('target_precision'),
      precision: z.number().gt(0).lt(1).default(0.9),
      audit_size: z.int().min(1).max(10_000).default(100),
    })
    .meta({
      description:
        'Once each candidate class’ estimated precision reaches this, a fresh audit sample of so many spectra a class is ' +
        'labelled; the campaign ends where the lower bound (95 %) of the audit’s precision reaches it too',
    }),
]);
export type StoppingRule = z.infer<typeof StoppingRule>;

/**
 * `config.json` of an ACTIVE_ML job. Without `iteration` the job is a campaign, the whole loop; with it, one step of a loop
 * that an old client drives. Unknown keys are refused, so that no option is ever ignored in silence.
 */
export const ActiveLearningConfig = z
  .strictObject({
    classes: z
      .array(ClassName)
      .min(2)
      .max(1000)
      .refine((names) => new Set(names).size === names.length, 'must all be different')
      .meta({ example: ['other', 'single peak', 'double peak'] }),
    candidate_classes: z
      .array(ClassName)
      .min(1)
      .meta({ description: 'The classes searched for, some of `classes`', example: ['double peak'] }),
    pool_data_path: StorePath.meta({
      description: 'HDF5 with filenames, fluxes and wave, in the file store: a preprocessing job’s result.h5',
    }),
    training_data_path: OptionalPath.meta({
      description: 'HDF5 with filenames, fluxes, wave and labels (numbers of classes): labels known before',
    }),
    training_data_to_add_path: OptionalPath.meta({ description: 'A second one' }),
    oracle_data_to_add_path: OptionalPath.meta({
      description: 'JSON {filenames, labels: numbers of classes} of spectra of the pool',
    }),
    perf_est_list_path: OptionalPath.meta({ description: 'JSON: precision of each iteration before' }),
    oracle_batch_size: z.int().min(0).max(100_000).default(100),
    perf_est_batch_size: z.int().min(0).max(100_000).default(10).meta({
      description: 'In all; spread evenly over the candidate classes',
    }),
    show_candidates: z.boolean().default(false),
    save_model: z.boolean().default(false),
    epochs_train: z.int().min(1).max(100_000).default(1000),
    batch_size_train: z.int().min(1).max(65_536).default(64),
    min_delta_train: z.number().min(0).default(1e-3),
    patience_train: z.int().min(1).default(10),
    batch_size_predict: z.int().min(1).max(1_000_000).default(16_384),
    iteration: z.int().min(0).max(9999).optional().meta({
      description:
        'Makes the job one step of a loop that a client drives; absent, the job is the whole campaign',
    }),
    strategy: AcquisitionStrategy.default('entropy'),
    stopping: StoppingRule.default({ rule: 'none' }),
    seed: z.int().min(0).max(0xffffffff).default(0),
    accelerator: z.enum(['auto', 'gpu', 'cpu']).default('auto'),
    max_iterations: z
      .int()
      .min(1)
      .max(9999)
      .optional()
      .meta({ description: 'The campaign ends after so many' }),
    network: NetworkArchitecture.default(DEFAULT_NETWORK),
    embedding: z.enum(['tsne', 'none']).default('tsne').meta({
      description: 'Map of the training set in two dimensions, dim_reduc.json',
    }),
    initial_model_path: OptionalPath.meta({
      description:
        'Directory of a model trained elsewhere on the same classes and grid, as model/ of a TRAINING job: it chooses the ' +
        'first batch, where there are no labels to train on',
      example: '/JOBS/job_peaks_…/model',
    }),
    cuts: PoolCuts.optional(),
    objects: ObjectGrouping.optional().meta({
      description:
        'Which spectra are of one object: at most one of them is in a batch, and the catalogue has a row an object. ' +
        'Absent: every spectrum counts as an object of its own',
    }),
    first_batch: z.enum(['diverse', 'random']).default('diverse').meta({
      description: 'How spectra are drawn before there is a model: k-means++ on the spectra, or uniformly',
    }),
    oversampling: z.enum(['smote', 'none']).default('smote').meta({
      description: 'SMOTE (Chawla et al. 2002): rare classes are filled up with spectra between neighbours',
    }),
  })
  .superRefine(({ classes, candidate_classes }, context) => {
    candidate_classes.forEach((name, i) => {
      if (!classes.includes(name))
        context.addIssue({
          code: 'custom',
          path: ['candidate_classes', i],
          message: `${name} is not one of classes`,
        });
    });
  });
export type ActiveLearningConfig = z.infer<typeof ActiveLearningConfig>;

/** What may be changed in a running campaign: it holds from the next iteration on. */
export const CampaignSettings = z.strictObject({
  oracle_batch_size: z.int().min(0).max(100_000).optional(),
  perf_est_batch_size: z.int().min(0).max(100_000).optional(),
  strategy: AcquisitionStrategy.optional(),
});
export type CampaignSettings = z.infer<typeof CampaignSettings>;

/** Those that hold from the next iteration on, whether they were changed or not. */
export const PresentSettings = CampaignSettings.required().meta({ id: 'PresentSettings' });
export type PresentSettings = z.infer<typeof PresentSettings>;

/** What the workflow of an ACTIVE_ML job is started with, and continues with. */
export const ActiveLearningInput = z.object({
  jobId: z.uuid(),
  config: ActiveLearningConfig,
  resumed: z
    .object({
      iteration: z.int(),
      /** A batch of this iteration is open. */
      waiting: z.boolean(),
      /** The batch is, or will be, an audit of the model of the iteration before. */
      audit: z.boolean().default(false),
      paused: z.boolean(),
      /** Why the campaign ends; absent while it does not. */
      finishing: z.string().optional(),
      settings: CampaignSettings,
      /** Settings that hold from the next iteration on. */
      nextSettings: CampaignSettings,
    })
    .optional(),
});
export type ActiveLearningInput = z.infer<typeof ActiveLearningInput>;
