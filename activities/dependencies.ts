import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { StorageLocation } from '../contracts/storage-location.ts';
import type { TaskQueue } from '../contracts/task-queues.ts';
import type { JobsRepository } from '../db/repositories/jobs.ts';
import type { LabellingsRepository } from '../db/repositories/labellings.ts';
import type { SpectraRepository } from '../db/repositories/spectra.ts';
import type { FileStore } from '../storage/file-store.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { ChildProcesses } from './network/child-process.ts';
import type { ThreadPool } from './thread-pool.ts';

/** What every activity may use. */
export interface ControlDependencies {
  jobs: JobsRepository;
  fileStore: FileStore;
  log: Logger;
}

/** What activities on `cpu` may use besides. */
export interface CpuDependencies extends ControlDependencies {
  spectra: SpectraRepository;
  store: ObjectStore;
  pool: ThreadPool;
  /** How many living workers poll a task queue. */
  countWorkers: (client: Client, queue: TaskQueue) => Promise<number>;
  /** Where the object store is, for the threads. */
  objects: StorageLocation;
  /** Of this machine: results are written here and brought into place. */
  tempDir: string;
  /** Parts beyond this many bytes are deleted, the oldest first. */
  partsBytes: number;
  /** On one thread: the worker takes one activity less until the returned function is called, once or more often. */
  holdSlot: () => () => void;
}

/** What activities on `cpu-training` and `gpu` may use. */
export interface TrainingDependencies extends ControlDependencies {
  store: ObjectStore;
  /** Where it is, for the child process. */
  objects: StorageLocation;
  tempDir: string;
  /** Where TensorFlow computes. */
  children: ChildProcesses;
}

/** What the activities of a campaign on these queues may use. */
export interface CampaignDependencies extends TrainingDependencies {
  labellings: LabellingsRepository;
}
