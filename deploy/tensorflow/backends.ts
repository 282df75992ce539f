import { access } from 'node:fs/promises';
import { systemCode } from '../embedded/process.ts';

export type NativeBackend = 'tfjs-node-gpu' | 'tfjs-node';
export type Backend = NativeBackend | 'javascript';

/** The native backends to try on this machine, best first: a CUDA build only where it finds a driver. */
export function nativeBackends(hasNvidia: boolean): readonly NativeBackend[] {
  return hasNvidia ? ['tfjs-node-gpu', 'tfjs-node'] : ['tfjs-node'];
}

/** Is NVIDIA's kernel driver loaded? The first path is the driver's own, the second is what containers are given. */
export async function hasNvidiaDriver(
  paths: readonly string[] = ['/proc/driver/nvidia/version', '/dev/nvidiactl'],
): Promise<boolean> {
  for (const path of paths) {
    try {
      await access(path);
      return true;
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
  return false;
}
