import { image1d } from './image-1d.ts';
import { lamostDr1 } from './lamost-dr1.ts';
import { lamostDr2 } from './lamost-dr2.ts';
import { lamostDr9 } from './lamost-dr9.ts';
import { lamostMrs } from './lamost-mrs.ts';
import type { Loader } from './loader.ts';
import { sdss } from './sdss.ts';
import { table } from './table.ts';

/** Every layout that can be read, the most particular first. A new survey is one file and one line here. */
export const LOADERS: readonly Loader[] = [lamostDr1, lamostDr2, lamostDr9, lamostMrs, sdss, table, image1d];
