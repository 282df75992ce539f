import { defineQuery, defineSignal } from '@temporalio/workflow';
import { SHARDS_LISTED } from '../../contracts/preprocessing.ts';

/** No further shard is started until `resume`; those under way end. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const shardsListedSignal = defineSignal<[shards: number]>(SHARDS_LISTED);

export interface PreprocessProgress {
  totalFiles: number;
  shardCount: number;
  shardsDone: number;
  rows: number;
  rejected: number;
  paused: boolean;
}
export const progressQuery = defineQuery<PreprocessProgress>('progress');
