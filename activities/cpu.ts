import { archivePathOfDataDirectory } from '../storage/file-store.ts';
import { createCatalogueShard } from './catalogue-shard.ts';
import type { CpuDependencies } from './dependencies.ts';
import { createDiscardWork } from './discard-work.ts';
import { createHashArtifacts } from './hash-artifacts.ts';
import { withHeartbeats } from './heartbeats.ts';
import { createListJobShards } from './list-job-shards.ts';
import { createListShards } from './list-shards.ts';
import { createPreprocessShard } from './preprocess-shard.ts';
import { createWriteResult } from './write-result.ts';

/** The activities of task queue `cpu`. */
export function createCpuActivities(dependencies: CpuDependencies) {
  const { spectra } = dependencies;
  return {
    listJobShards: createListJobShards(dependencies),
    preprocessShard: createPreprocessShard(dependencies),
    writeResult: createWriteResult(dependencies),
    hashArtifacts: withHeartbeats(createHashArtifacts(dependencies)),
    discardWork: withHeartbeats(createDiscardWork(dependencies)),
    listShards: createListShards(dependencies),
    catalogueShard: createCatalogueShard(dependencies),
    /** When a scan begins, by the database's clock; RFC 3339. */
    beginScan: async () => (await spectra.beginScan()).toISOString(),
    /** Takes out of the catalogue what a scan begun at `begunAt` did not meet. */
    removeMissing: withHeartbeats(({ dir, begunAt }: { dir: string; begunAt: string }) =>
      spectra.removeMissing(archivePathOfDataDirectory(dir), new Date(begunAt)),
    ),
  };
}
export type CpuActivities = ReturnType<typeof createCpuActivities>;
