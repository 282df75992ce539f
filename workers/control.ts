import { Client, Connection } from '@temporalio/client';
import { createCampaignControlActivities } from '../activities/campaign-control.ts';
import { createControlActivities } from '../activities/control.ts';
import { countWorkers, listLiveWorkers, servedQueues } from '../api/workers.ts';
import { NAMESPACE, TASK_QUEUES, type TaskQueue } from '../contracts/task-queues.ts';
import { connect } from '../db/connection.ts';
import { createJobsRepository } from '../db/repositories/jobs.ts';
import { createLabellingsRepository } from '../db/repositories/labellings.ts';
import { openFileStore } from '../storage/open-file-store.ts';
import { workflowsPath } from './bundle.ts';
import { hasWorkflowBundle, startWorker, workflowBundlePath } from './run-worker.ts';

// Workflows, and the short activities that record what came of them.
startWorker('control', async ({ environment, log }) => {
  const { db, close } = connect(environment.DATABASE_URL);
  const fileStore = await openFileStore(environment);
  // Asked for before a training only; it connects when it is.
  const connection = Connection.lazy({ address: environment.TEMPORAL_ADDRESS });
  const client = new Client({ connection, namespace: NAMESPACE });
  const shared = { jobs: createJobsRepository(db), fileStore, log };
  const isServed = async (queue: TaskQueue) => servedQueues(await listLiveWorkers(client)).has(queue);
  return {
    workers: [
      {
        taskQueue: TASK_QUEUES.control,
        ...(hasWorkflowBundle() ? { workflowBundle: { codePath: workflowBundlePath } } : { workflowsPath }),
        activities: {
          ...createControlActivities({
            ...shared,
            isServed,
            countWorkers: (queue) => countWorkers(client, queue),
          }),
          ...createCampaignControlActivities({ ...shared, labellings: createLabellingsRepository(db) }),
        },
        maxConcurrentActivityTaskExecutions: 16,
      },
    ],
    close: async () => {
      await connection.close();
      await close();
    },
  };
});
