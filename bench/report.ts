import { z } from 'zod';
import { PartName } from '../deploy/embedded/data-directory.ts';

const Side = z.object({
  spectraPerSecond: z.number().meta({ description: 'Median of the timed runs' }),
  seconds: z.array(z.number()).meta({ description: 'Of each timed run, in the order they ran' }),
  peakBytes: z.number().meta({ description: 'Highest of the timed runs' }),
  rejected: z.number(),
});

/** One count of spectra on one grid. */
export const Measurement = z.object({
  count: z.number(),
  points: z.number(),
  fromAngstrom: z.number(),
  toAngstrom: z.number(),
  ours: Side.extend({
    orchestrationShare: z
      .number()
      .meta({ description: 'Median share of wall time without a running activity' }),
    cpuSeconds: z
      .partialRecord(PartName, z.number())
      .meta({ description: 'Of one run (mean), by process; absent where there is no /proc' }),
    workflow: z
      .object({
        runs: z.number(),
        events: z.number(),
        longestRunEvents: z.number(),
        payloadBytes: z.number(),
      })
      .meta({ description: 'What the last timed run left in Temporal' }),
  }),
  /** The same job again, with its default reuse of the parts of the one before. */
  again: z.object({ spectraPerSecond: z.number(), seconds: z.number(), statusDetail: z.string() }),
  reference: Side.optional(),
  ratio: z.number().optional(),
  /** Rows of both that were compared, on the configuration in which both do the same. */
  compared: z.object({ rows: z.number(), largestDifference: z.number() }).optional(),
});
export type Measurement = z.infer<typeof Measurement>;

/** What `npm run bench:preprocess` writes to bench/results/. */
export const Report = z.object({
  benchmark: z.literal('preprocess'),
  at: z.iso.datetime(),
  commit: z.string().meta({ description: 'With -dirty where the working tree was changed' }),
  machine: z.object({
    cpus: z.number(),
    model: z.string(),
    memoryBytes: z.number(),
    platform: z.string(),
    loadAverage: z.number().meta({ description: 'Of the minute before: what others did there' }),
  }),
  versions: z.record(z.string(), z.string()),
  repeat: z.number(),
  seed: z.number(),
  scans: z
    .array(z.object({ count: z.number(), spectraPerSecond: z.number() }))
    .meta({ description: 'The scan of the archive into the empty catalogue' }),
  measurements: z.array(Measurement),
  problems: z
    .array(z.string())
    .meta({ description: 'Checks that failed: none in a report that was written' }),
});
export type Report = z.infer<typeof Report>;
