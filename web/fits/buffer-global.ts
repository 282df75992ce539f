import { Buffer } from 'buffer/';

// science/ uses Node's Buffer: in the browser this package stands for it. Imported before anything of science/.
Object.assign(globalThis, { Buffer });
