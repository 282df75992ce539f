import { Health, SystemInfo } from '../../contracts/system.ts';
import { ApiFailure, requestJson } from './http.ts';

export function getSystemInfo(signal?: AbortSignal): Promise<SystemInfo> {
  return requestJson(SystemInfo, '/system', { signal });
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
