import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { JobError, JobEventKind, JobPhase, JobType, JsonObject, Progress } from '../contracts/job.ts';
import { type Decision, SPECTRUM_SETS } from '../contracts/labelling.ts';
import type { WorkerTensorflow } from '../contracts/system.ts';

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** A row a job. `eventSequence` numbers the job's events; it is only ever raised under the row's lock. */
export const jobs = pgTable(
  'jobs',
  {
    id: uuid('id').primaryKey(),
    type: text('type').$type<JobType>().notNull(),
    phase: text('phase').$type<JobPhase>().notNull(),
    label: text('label').notNull(),
    description: text('description'),
    dirPath: text('dir_path').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
    statusDetail: text('status_detail'),
    waitingFor: text('waiting_for').$type<'labels' | 'worker' | 'resume'>(),
    /** The validated configuration, fixed at RUN. */
    config: jsonb('config').$type<JsonObject>(),
    /** The configuration as it was submitted, for clones. */
    submittedConfig: jsonb('submitted_config').$type<JsonObject>(),
    workflowId: text('workflow_id'),
    progress: jsonb('progress').$type<Progress>(),
    error: jsonb('error').$type<JobError>(),
    eventSequence: bigint('event_sequence', { mode: 'number' }).notNull().default(0),
    /** What an UWS client calls it. */
    runId: text('run_id'),
    /** A run that takes longer is aborted; 0: never. */
    executionLimitSeconds: integer('execution_limit_seconds').notNull().default(0),
    /** When the job is deleted with its files; null: never. */
    destructionAt: instant('destruction_at'),
  },
  (table) => [
    // As lists are ordered: `desc` alone means nulls first in a query, and last in drizzle's index.
    index('jobs_newest').on(table.createdAt.desc().nullsFirst(), table.id),
    index('jobs_phase').on(table.phase),
    index('jobs_destruction')
      .on(table.destructionAt)
      .where(sql`${table.destructionAt} is not null`),
  ],
);

/** What the event stream and the log show. `key` makes a line that an activity retries appear once. */
export const jobEvents = pgTable(
  'job_events',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    id: bigint('id', { mode: 'number' }).notNull(),
    /** Counts up over all jobs, in the order in which positions were drawn, not in that of the commits. */
    position: bigserial('position', { mode: 'number' }).notNull(),
    kind: text('kind').$type<JobEventKind>().notNull(),
    at: instant('at').notNull().defaultNow(),
    key: text('key'),
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.id] }),
    uniqueIndex('job_events_position').on(table.position),
    index('job_events_kind').on(table.jobId, table.kind, table.id),
    index('job_events_key')
      .on(table.jobId, table.key)
      .where(sql`${table.key} is not null`),
  ],
);

/** How far each shard is; a job's progress is the sum. Upserted, so a retried shard counts once. */
export const shardProgress = pgTable(
  'shard_progress',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    shard: integer('shard').notNull(),
    done: integer('done').notNull(),
    rejected: integer('rejected').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.shard] })],
);

export const jobRejects = pgTable(
  'job_rejects',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    path: text('path').notNull(),
    reason: text('reason').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.path] })],
);

export const artifacts = pgTable(
  'artifacts',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    path: text('path').notNull(),
    mediaType: text('media_type').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    /** Null until the file has been read for it. */
    sha256: text('sha256'),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.path] })],
);

/** Commands on their way to Temporal, written in the transaction of the change they belong to; deleted once taken. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    workflowId: text('workflow_id').notNull(),
    command: text('command').$type<'start' | 'signal' | 'cancel'>().notNull(),
    /** start: {workflow, taskQueue, input, jobType, label, description, dataset}; signal: {signal, input}. */
    payload: jsonb('payload').$type<Record<string, unknown>>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(0),
    notBefore: instant('not_before').notNull().defaultNow(),
    lastError: text('last_error'),
  },
  (table) => [index('outbox_workflow').on(table.workflowId, table.id)],
);

/** The spectra catalogue; the key is the path in the archive. */
export const spectra = pgTable(
  'spectra',
  {
    path: text('path').primaryKey(),
    filename: text('filename').notNull(),
    /** `filename` and the FILENAME card without `.gz`: look-ups match either. */
    filenameKey: text('filename_key').notNull(),
    headerFilename: text('header_filename'),
    /** Null too where it is `filename_key`. */
    headerFilenameKey: text('header_filename_key'),
    /** Null when the file is readable; else why it is not. */
    unreadableReason: text('unreadable_reason'),
    layout: text('layout'),
    size: bigint('size', { mode: 'number' }).notNull(),
    modifiedAt: instant('modified_at').notNull(),
    targetname: text('targetname'),
    obsid: text('obsid'),
    observedAt: text('observed_at'),
    type: text('type'),
    subtype: text('subtype'),
    ra: doublePrecision('ra'),
    dec: doublePrecision('dec'),
    magtype: text('magtype'),
    mag1: doublePrecision('mag_1'),
    mag2: doublePrecision('mag_2'),
    mag3: doublePrecision('mag_3'),
    mag4: doublePrecision('mag_4'),
    mag5: doublePrecision('mag_5'),
    mag6: doublePrecision('mag_6'),
    mag7: doublePrecision('mag_7'),
    snU: doublePrecision('sn_u'),
    snG: doublePrecision('sn_g'),
    snR: doublePrecision('sn_r'),
    snI: doublePrecision('sn_i'),
    snZ: doublePrecision('sn_z'),
    z: doublePrecision('z'),
    zErr: doublePrecision('z_err'),
    /** Of all columns above (db/catalogue-encoding.ts): a row that is there unchanged is known by it. */
    digest: bigint('digest', { mode: 'bigint' }),
    /**
     * When the file was last seen: a scan deletes the rows that it did not meet. A row that is met unchanged keeps it
     * where no scan began since.
     */
    seenAt: instant('seen_at').notNull().defaultNow(),
  },
  (table) => [
    index('spectra_filename').on(table.filenameKey),
    index('spectra_header_filename')
      .on(table.headerFilenameKey)
      .where(sql`${table.headerFilenameKey} is not null`),
    // Cone search. Other filters are answered by a pass over the table: an index each for type, z and S/N cost an
    // insert 1.5 µs, and a list counts all its rows anyway.
    index('spectra_dec').on(table.dec),
  ],
);

/** One row: when the last scan of the archive began. */
export const catalogueScan = pgTable('catalogue_scan', {
  id: integer('id').primaryKey(),
  begunAt: instant('begun_at').notNull(),
});

/** Which TensorFlow each worker process has; the key is its identity in Temporal. */
export const workerBackends = pgTable('worker_backends', {
  identity: text('identity').primaryKey(),
  state: text('state').$type<WorkerTensorflow['state']>().notNull(),
  backend: text('backend').$type<WorkerTensorflow['backend']>(),
  /** Of libtensorflow, or of tfjs. */
  version: text('version'),
  threads: integer('threads'),
  note: text('note'),
  /** By the clock of the worker, as are its start and its heartbeats in Temporal. Renewed while the worker lives. */
  updatedAt: instant('updated_at').notNull(),
});

/** Sorts in the order of its values. */
export const spectrumSet = pgEnum('spectrum_set', SPECTRUM_SETS);

/**
 * A spectrum that people are asked about, or whose label was imported, and the answer that holds: a label or a decision,
 * never both. Labels are names in the job's newest class list. Every change is made under the lock of the job's row.
 */
export const labellings = pgTable(
  'labellings',
  {
    id: uuid('id').primaryKey(),
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    spectrumSet: spectrumSet('spectrum_set').notNull(),
    sequenceIteration: integer('sequence_iteration').notNull(),
    /** From 0 on within the set and iteration. */
    rank: integer('rank').notNull(),
    spectrumFilename: text('spectrum_filename').notNull(),
    /** What tells the spectrum from all others of the pool. */
    spectrumKey: text('spectrum_key').notNull(),
    /** What its repeats have in common; null where no objects are known. */
    objectKey: text('object_key'),
    modelPrediction: text('model_prediction'),
    probabilities: real('probabilities').array(),
    /** Where an imported label comes from; null for a spectrum of a batch. */
    source: text('source'),
    userLabel: text('user_label'),
    decision: text('decision').$type<Decision>(),
    userComment: text('user_comment'),
    labelledBy: text('labelled_by'),
    labelledAt: instant('labelled_at'),
    /** Row of the history that gave the answer: of two answers about one spectrum the newer has the larger. */
    answerId: bigint('answer_id', { mode: 'number' }),
  },
  (table) => [
    uniqueIndex('labellings_order')
      .on(table.jobId, table.spectrumSet, table.sequenceIteration, table.rank)
      .where(sql`${table.source} is null`),
    uniqueIndex('labellings_imported')
      .on(table.jobId, table.source, table.spectrumKey)
      .where(sql`${table.source} is not null`),
  ],
);

/** Every value that a labelling was ever given, in order; the newest is the one in its row. Only ever added to. */
export const labellingHistory = pgTable(
  'labelling_history',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    labellingId: uuid('labelling_id')
      .notNull()
      .references(() => labellings.id, { onDelete: 'cascade' }),
    userLabel: text('user_label'),
    decision: text('decision').$type<Decision>(),
    userComment: text('user_comment'),
    labelledBy: text('labelled_by'),
    givenAt: instant('given_at').notNull().defaultNow(),
    settles: boolean('settles').notNull().default(false),
    /** Of the list that `userLabel` is a name in. */
    classListVersion: integer('class_list_version').notNull(),
  },
  (table) => [index('labelling_history_labelling').on(table.labellingId, table.id)],
);

/** A row an iteration whose spectra wait for labels. `early`: closed before each had an answer. */
export const batches = pgTable(
  'batches',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    iteration: integer('iteration').notNull(),
    /** Of the list that the model was trained on: the order of the probabilities. */
    classListVersion: integer('class_list_version').notNull(),
    openedAt: instant('opened_at').notNull().defaultNow(),
    closedAt: instant('closed_at'),
    closedHow: text('closed_how').$type<'labelled' | 'early'>(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.iteration] })],
);

/** A row a change of a job's classes; version 1 is in its configuration. */
export const classLists = pgTable(
  'class_lists',
  {
    jobId: uuid('job_id')
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    classes: text('classes').array().notNull(),
    candidateClasses: text('candidate_classes').array().notNull(),
    /** Old name → new name, or null where labels must be given again. */
    becomes: jsonb('becomes').$type<Record<string, string | null>>().notNull(),
    changedBy: text('changed_by'),
    changedAt: instant('changed_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.version] })],
);
