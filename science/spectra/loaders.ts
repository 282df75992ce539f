import type { Loader } from './loader.ts';
import { lamostDr1 } from './lamost-dr1.ts';
import { lamostDr2 } from './lamost-dr2.ts';

/** Every layout that can be read, the most particular first. A new survey is one file and one line here. */
export const LOADERS: readonly Loader[] = [lamostDr1, lamostDr2];
