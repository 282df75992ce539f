import { z } from 'zod';
import { JobType } from './job.ts';

/** Execution phases of UWS 1.1 (IVOA Recommendation, 2016), section 2.1.3. ARCHIVED and UNKNOWN do not occur here. */
export const UwsPhase = z.enum([
  'PENDING',
  'QUEUED',
  'EXECUTING',
  'COMPLETED',
  'ERROR',
  'ABORTED',
  'HELD',
  'SUSPENDED',
  'ARCHIVED',
  'UNKNOWN',
]);
export type UwsPhase = z.infer<typeof UwsPhase>;

/** In these a client may wait for a change (section 2.2.1.1); a person decides when the others end. */
export const ACTIVE_UWS_PHASES: readonly UwsPhase[] = ['PENDING', 'QUEUED', 'EXECUTING'];

/** How UWS addresses write a job type: `data-preprocessing`. */
export const uwsName = (type: JobType): string => type.toLowerCase().replaceAll('_', '-');

/** The job type of such a name; undefined where there is none. */
export const jobTypeOfUwsName = (name: string): JobType | undefined =>
  JobType.options.find((type) => uwsName(type) === name);
