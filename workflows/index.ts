// The workflow types that the control worker bundles; a new workflow is one folder and one line here.
export { activeLearning } from './active-learning/workflow.ts';
export { preprocess } from './preprocess/workflow.ts';
export { scanArchive } from './scan-archive/workflow.ts';
export { train } from './train/workflow.ts';
