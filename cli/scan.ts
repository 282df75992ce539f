import { ScanStarted } from '../contracts/spectrum.ts';
import { call } from './api-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export async function scan(options: { dir: string; json?: boolean; api: string }): Promise<ExitCode> {
  const started = await call(options.api, ScanStarted, 'POST', '/spectra/scan', { dir: options.dir });
  console.log(options.json ? JSON.stringify(started) : `Scan started (workflow ${started.workflow_id}).`);
  return EXIT.ok;
}
