import { createControlActivities } from '../activities/control.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { connect } from '../db/connection.ts';
import { createJobsRepository } from '../db/repositories/jobs.ts';
import { createFileStore } from '../storage/file-store.ts';
import { workflowsPath } from './bundle.ts';
import { hasWorkflowBundle, startWorker, workflowBundlePath } from './run-worker.ts';

// Workflows, and the short activities that record what came of them.
startWorker('control', async ({ environment, log }) => {
  const { db, close } = connect(environment.DATABASE_URL);
  const fileStore = await createFileStore({
    root: environment.FILES_DIR,
    tempDir: environment.TEMP_DIR,
    spectraDir: environment.SPECTRA_DIR,
  });
  return {
    workers: [
      {
        taskQueue: TASK_QUEUES.control,
        ...(hasWorkflowBundle() ? { workflowBundle: { codePath: workflowBundlePath } } : { workflowsPath }),
        activities: createControlActivities({ jobs: createJobsRepository(db), fileStore, log }),
        maxConcurrentActivityTaskExecutions: 16,
      },
    ],
    close,
  };
});
