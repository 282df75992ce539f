import type { z } from 'zod';
import { Health, StorageUse, SystemInfo, WorkerPage } from '../../contracts/system.ts';
import { ApiFailure, requestJson } from './http.ts';

export function getSystemInfo(signal?: AbortSignal): Promise<SystemInfo> {
  return requestJson(SystemInfo, '/system', { signal });
}

export function listWorkers(signal?: AbortSignal): Promise<z.infer<typeof WorkerPage>> {
  return requestJson(WorkerPage, '/workers', { signal });
}

export function getStorageUse(signal?: AbortSignal): Promise<StorageUse> {
  return requestJson(StorageUse, '/system/storage', { signal });
}

export async function isApiAlive(): Promise<boolean> {
  try {
    await requestJson(Health, '/health');
    return true;
  } catch (error) {
    if (error instanceof ApiFailure) return false;
    throw error;
  }
}
