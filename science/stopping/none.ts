import { decided, type StoppingRule } from './stopping-rule.ts';

/** A person ends the campaign. */
export const none: StoppingRule<'none'> = () => decided(false, 'A person ends this campaign');
