import { asyncLocalStorage } from '@temporalio/activity';

/** Workflow of the scans: its runs are no jobs. */
const SCAN_WORKFLOW = 'scanArchive';

/** Which activity of which run the caller works for; nothing outside of activities. */
export function activityIds(): Record<string, unknown> {
  const info = asyncLocalStorage.getStore()?.info;
  if (!info) return {};
  const { workflowExecution, workflowType, activityId, activityType, attempt, taskQueue } = info;
  return {
    // A job's run has the job's id.
    ...(workflowType === SCAN_WORKFLOW ? {} : { jobId: workflowExecution?.workflowId }),
    ...workflowExecution,
    activityId,
    activityType,
    attempt,
    taskQueue,
  };
}
