import Table from 'cli-table3';
import { JobPage, JobPhase } from '../contracts/job.ts';
import { call } from './api-client.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';

export async function listJobs(options: {
  phase?: string;
  limit: string;
  json?: boolean;
  api: string;
}): Promise<ExitCode> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 0 || limit > 1000)
    return usage('--limit is a number from 0 to 1000');
  const phase = JobPhase.optional().safeParse(options.phase?.toUpperCase());
  if (!phase.success) return usage(`--phase is one of ${JobPhase.options.join(', ')}`);
  const query = new URLSearchParams({ limit: String(limit), ...(phase.data ? { phase: phase.data } : {}) });
  const page = await call(options.api, JobPage, 'GET', `/jobs?${query}`);
  if (options.json) {
    console.log(JSON.stringify(page));
    return EXIT.ok;
  }
  if (page.jobs.length === 0) {
    console.log('No jobs. `spectrolabe submit DATA_PREPROCESSING config.json` makes one.');
    return EXIT.ok;
  }
  const table = new Table({
    head: ['job', 'label', 'phase', 'progress', 'created'],
    style: { head: [], border: [] },
  });
  for (const job of page.jobs)
    table.push([
      job.job_id,
      job.label,
      job.waiting_for ? `${job.phase} (waits for ${job.waiting_for})` : job.phase,
      job.progress ? `${job.progress.done}/${job.progress.total}` : '',
      job.created_at,
    ]);
  console.log(table.toString());
  if (page.total > page.jobs.length) console.log(`${page.jobs.length} of ${page.total}; --limit shows more`);
  return EXIT.ok;
}
