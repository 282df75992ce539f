import { problemsOf } from '../contracts/error.ts';
import { JOB_CONFIG_SCHEMAS, type JobAction, JsonObject, type JobType } from '../contracts/job.ts';
import { MAX_CONFIG_BYTES } from '../contracts/limits.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import type { CommandResult, JobRow, JobsRepository, NewJob } from '../db/repositories/jobs.ts';
import { FileStoreError, type FileStore } from '../storage/file-store.ts';
import { absent, HttpError, invalid } from './errors.ts';
import { answering } from './file-store-answers.ts';
import { storableProblems } from './storable.ts';

/** The workflow that runs each job type; one line a type. */
const WORKFLOWS: Record<JobType, string> = {
  DATA_PREPROCESSING: 'preprocess',
  ACTIVE_ML: 'activeLearning',
  TRAINING: 'train',
};

/** The job of a command's result. @throws HttpError 404, 409 */
export function jobOf(id: string, result: CommandResult): JobRow {
  if ('job' in result) return result.job;
  throw refusedCommand(id, result);
}

/** 404 or 409: why a command changed nothing. */
export function refusedCommand(id: string, result: Exclude<CommandResult, { job: JobRow }>): HttpError {
  if (result.refusal === 'absent') return absent(`job ${id}`);
  return new HttpError(409, 'wrong_phase', `The job is ${result.phase}: ${result.reason}`);
}

const configPath = (job: { dirPath: string }): string => `${job.dirPath}/config.json`;

export type JobCommands = ReturnType<typeof createJobCommands>;

/** What clients can do with jobs, whichever protocol (REST, UWS) they speak: a job with its directory and `config.json`. */
export function createJobCommands({ jobs, fileStore }: { jobs: JobsRepository; fileStore: FileStore }) {
  /** @throws HttpError 404 */
  async function existing(id: string): Promise<JobRow> {
    const job = await jobs.find(id);
    if (!job) throw absent(`job ${id}`);
    return job;
  }

  async function writeConfig(job: JobRow, config: JsonObject): Promise<void> {
    await fileStore.writeFile(configPath(job), Buffer.from(`${JSON.stringify(config, null, 2)}\n`));
  }

  /** A pending job, its directory, and config.json where there is a configuration. */
  function create({
    config,
    ...values
  }: Omit<NewJob, 'submittedConfig'> & { config?: JsonObject }): Promise<JobRow> {
    return jobs.create({ ...values, ...(config ? { submittedConfig: config } : {}) }, async (job) => {
      await fileStore.makeDirectory(job.dirPath);
      if (config) await writeConfig(job, config);
    });
  }

  /** config.json of the job's directory; undefined where there is none. @throws HttpError 422 where it is no JSON object */
  async function readConfig(job: JobRow): Promise<JsonObject | undefined> {
    let text: string;
    try {
      const bytes = await fileStore.readFile(configPath(job), { maxBytes: MAX_CONFIG_BYTES });
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (error instanceof FileStoreError && (error.code === 'absent' || error.code === 'outside'))
        return undefined;
      if (error instanceof FileStoreError) throw invalid(`config.json cannot be read: ${error.message}`);
      if (error instanceof TypeError) throw invalid('config.json is not UTF-8 text');
      throw error;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid(`config.json is not valid JSON: ${error.message}`);
      throw error;
    }
    const unstorable = storableProblems(value);
    if (unstorable.length > 0) throw invalid('config.json is not valid', unstorable);
    const parsed = JsonObject.safeParse(value);
    if (!parsed.success) throw invalid('config.json must hold a JSON object', problemsOf(parsed.error));
    return parsed.data;
  }

  /** @throws HttpError 422 where the directory is not in the archive */
  async function checkDataDirectory(path: string): Promise<void> {
    try {
      await fileStore.resolveArchiveDirectory(path);
    } catch (error) {
      if (!(error instanceof FileStoreError)) throw error;
      throw invalid('config.json is not valid', [
        { path: 'data_dir_path', message: `${path} is not a directory of the spectra archive` },
      ]);
    }
  }

  /**
   * A configuration with its defaults, as it would be run.
   * @throws HttpError 422 where it does not fit the job type, or names no directory of the archive
   */
  async function validConfig(type: JobType, submitted: JsonObject): Promise<JsonObject> {
    const parsed = JOB_CONFIG_SCHEMAS[type].safeParse(submitted);
    if (!parsed.success) throw invalid('config.json is not valid', problemsOf(parsed.error));
    // An option that is not used is undefined by now: JSON leaves it out.
    const config = JsonObject.parse(JSON.parse(JSON.stringify(parsed.data)));
    const dataset = config['data_dir_path'];
    if (typeof dataset === 'string') await checkDataDirectory(dataset);
    return config;
  }

  /** @throws HttpError 404, 409, 422 */
  async function run(id: string): Promise<JobRow> {
    const job = await existing(id);
    if (job.phase !== 'PENDING')
      throw new HttpError(409, 'wrong_phase', `The job is ${job.phase}: only a pending job can be run`);
    const submittedConfig = await readConfig(job);
    if (!submittedConfig) throw invalid('There is no config.json in the directory of the job');
    const config = await validConfig(job.type, submittedConfig);
    const dataset = config['data_dir_path'];
    const start = {
      workflow: WORKFLOWS[job.type],
      taskQueue: TASK_QUEUES.control,
      input: { jobId: job.id, config },
      jobType: job.type,
      label: job.label,
      ...(job.description === null ? {} : { description: job.description }),
      ...(typeof dataset === 'string' ? { dataset } : {}),
    };
    return jobOf(id, await jobs.run(id, { config, submittedConfig, start }));
  }

  const actions: Record<JobAction, (id: string) => Promise<JobRow>> = {
    RUN: run,
    ABORT: async (id) => jobOf(id, await jobs.abort(id)),
    PAUSE: async (id) => jobOf(id, await jobs.pause(id)),
    RESUME: async (id) => jobOf(id, await jobs.resume(id)),
  };

  /** Deletes a job that is not running, and its directory where `files` is true. @throws HttpError 403, 404, 409 */
  async function remove(id: string, { files }: { files: boolean }): Promise<void> {
    const job = jobOf(id, await jobs.remove(id));
    if (!files) return;
    try {
      await answering(fileStore.removeDirectory(job.dirPath));
    } catch (error) {
      // Gone already, or a file in its place, which is none of the job's: nothing to delete.
      if (!(error instanceof HttpError && error.status === 404)) throw error;
    }
  }

  /** Deletes a job and its directory; a run is aborted first. @throws HttpError 403, 404, 409 */
  async function destroy(id: string): Promise<void> {
    // Refused where there is no run: then there is nothing to abort.
    await jobs.abort(id);
    await remove(id, { files: true });
  }

  return { existing, create, readConfig, writeConfig, validConfig, actions, remove, destroy };
}
