import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CampaignSettings } from '../../contracts/active-learning.ts';

/** The batch may be complete: the workflow asks how many of its labels are missing. */
export const labelsSubmittedSignal = defineSignal('labelsSubmitted');
/** Nothing new is begun until `resume`; people may go on labelling. */
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
/** The loop ends: a last training on all labels, the catalogue, completed. */
export const finishSignal = defineSignal('finish');
/** Holds from the next iteration on. */
export const changeSettingsSignal = defineSignal<[CampaignSettings]>('changeSettings');

export interface CampaignProgress {
  iteration: number;
  /** `labels` while a batch is open. */
  stage: 'preparing' | 'training' | 'scoring' | 'selecting' | 'labels' | 'closing' | 'finishing';
  paused: boolean;
  settings: CampaignSettings;
}
export const progressQuery = defineQuery<CampaignProgress>('progress');
