import { z } from 'zod';

/** One number of workers. */
export const ScaleMeasurement = z.object({
  workers: z.number(),
  seconds: z.array(z.number()).meta({ description: 'Of each timed job, in the order they ran' }),
  spectraPerSecond: z.number().meta({ description: 'Median' }),
  speedUp: z.number().meta({ description: 'Over one worker' }),
  workerCpuSeconds: z.number().meta({ description: 'Of all workers, a job (median)' }),
});
export type ScaleMeasurement = z.infer<typeof ScaleMeasurement>;

/** What a spectrum costs, measured over the jobs with one worker. */
const Costs = z.object({
  cpuMilliseconds: z.record(z.string(), z.number()).meta({ description: 'By process' }),
  resultBytes: z.number(),
  partBytes: z.number().meta({ description: 'Kept in the object store for later jobs' }),
  parts: z.number().meta({ description: 'Objects: each is put once and read once' }),
  events: z.number().meta({ description: 'Of its workflow in Temporal' }),
  payloadBytes: z.number().meta({ description: 'Of these events' }),
});

/** What `npm run bench:scale` writes to bench/results/. */
export const ScaleReport = z.object({
  benchmark: z.literal('scale'),
  at: z.iso.datetime(),
  commit: z.string(),
  machine: z.object({ cpus: z.number(), model: z.string(), loadAverage: z.number() }),
  spectra: z.number(),
  points: z.number(),
  coresPerWorker: z
    .number()
    .optional()
    .meta({ description: 'Absent: nothing limited a worker but its one thread' }),
  installationBound: z.literal(true).optional().meta({
    description: 'All processes together, services included, had as many processors as there were workers',
  }),
  measurements: z.array(ScaleMeasurement),
  costsPerSpectrum: Costs,
});
export type ScaleReport = z.infer<typeof ScaleReport>;
