import { ActivityFailure, isCancellation, workflowInfo } from '@temporalio/workflow';

/** What a job shows of a failure: the innermost message, and its trace. */
export function describeFailure(error: unknown): { message: string; trace?: string } {
  if (isCancellation(error)) return { message: 'the run was cancelled in Temporal' };
  const cause = error instanceof ActivityFailure && error.cause ? error.cause : error;
  if (!(cause instanceof Error)) return { message: String(cause) };
  return { message: cause.message, trace: `${workflowInfo().workflowType}: ${cause.stack ?? cause.message}` };
}
