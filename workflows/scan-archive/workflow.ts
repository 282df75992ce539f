import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { CpuActivities } from '../../activities/cpu.ts';
import { ScanArchiveWorkflowInput } from '../../contracts/preprocessing.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';

// The lowest priority: a scan of the whole archive must not keep a researcher's job waiting.
const { listShards, beginScan, removeMissing, discardWork } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '30s',
  priority: { priorityKey: 5 },
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 20 },
});
const { catalogueShard } = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10s',
  priority: { priorityKey: 5 },
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 20 },
});

/** Reads a directory of the archive into the catalogue, and takes out what is no longer there. */
export async function scanArchive(
  input: ScanArchiveWorkflowInput,
): Promise<{ read: number; unchanged: number; removed: number }> {
  const { dir } = ScanArchiveWorkflowInput.parse(input);
  const workId = workflowInfo().workflowId;
  const total = { read: 0, unchanged: 0 };
  try {
    const begunAt = await beginScan();
    const { shardCount } = await listShards({ workId, dir, recursive: true });
    for (let shard = 0; shard < shardCount; shard++) {
      const { read, unchanged } = await catalogueShard({ workId, shard });
      total.read += read;
      total.unchanged += unchanged;
    }
    return { ...total, removed: await removeMissing({ dir, begunAt }) };
  } finally {
    await CancellationScope.nonCancellable(() => discardWork({ workId, withResult: false }));
  }
}
