import type { Buffer as PackageBuffer } from 'buffer/';

// science/ uses Node's Buffer; in the browser the package `buffer` stands for it (buffer-global.ts).
declare global {
  type Buffer = PackageBuffer;
  const Buffer: typeof PackageBuffer;
}
