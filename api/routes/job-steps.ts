import { isGrpcServiceError, ServiceError, type Client, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { JobStepPage } from '../../contracts/job-steps.ts';
import type { JobsRepository } from '../../db/repositories/jobs.ts';
import { absent, HttpError } from '../errors.ts';
import { readWorkflowSteps } from '../job-history.ts';
import { defineRoute, type Route } from '../route.ts';

const TIMEOUT_MS = 10_000;

/** What Temporal knows of a job's run: its steps and their retries. */
export function jobStepRoutes({ jobs, temporal }: { jobs: JobsRepository; temporal: Client }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/steps',
      operationId: 'listJobSteps',
      summary: 'Steps of the job’s run and their retries, as Temporal knows them',
      tags: ['jobs'],
      params: z.object({ job_id: z.guid() }),
      responses: { 200: JobStepPage },
      errors: [404, 503],
      handler: async ({ params: { job_id: id } }) => {
        const job = await jobs.find(id);
        if (!job) throw absent(`job ${id}`);
        const none = { status: 200 as const, body: { job_id: id, steps: [], complete: true } };
        const { workflowId } = job;
        if (workflowId === null) return none;
        try {
          const { runId, steps, complete } = await temporal.withDeadline(Date.now() + TIMEOUT_MS, () =>
            readWorkflowSteps(temporal, workflowId),
          );
          return { status: 200, body: { job_id: id, run_id: runId, steps, complete } };
        } catch (error) {
          // Not started yet, or no longer kept.
          if (error instanceof WorkflowNotFoundError) return none;
          if (!isGrpcServiceError(error) && !(error instanceof ServiceError)) throw error;
          throw new HttpError(503, 'temporal_unavailable', `Temporal does not say: ${error.message}`);
        }
      },
    }),
  ];
}
