import { setTimeout as delay } from 'node:timers/promises';
import { MultiBar, type SingleBar } from 'cli-progress';
import { z } from 'zod';
import { ENDED_PHASES, Job, JobPhase, LogLevel, Progress } from '../contracts/job.ts';
import { ApiUnreachable, call, request } from './api-client.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';
import { readEvents } from './server-sent-events.ts';

const PhaseEvent = z.object({ phase: JobPhase });
const LogEvent = z.object({ level: LogLevel, message: z.string() });
const RETRY_MS = 1000;
/** An API that is away longer than this is given up; the job itself goes on. */
const GIVE_UP_MS = 60_000;

export async function watch(id: string, options: { json?: boolean; api: string }): Promise<ExitCode> {
  if (!z.uuid().safeParse(id).success) return usage(`${id} is no job id`);
  return follow(options.api, id, options);
}

/**
 * Follows a job's events to its end, through restarts of the API. Ends with 0 where it is COMPLETED, else with 1.
 * With `json` the job, as it ended, is the only output.
 */
export async function follow(api: string, id: string, { json }: { json?: boolean }): Promise<ExitCode> {
  const screen = json ? undefined : createScreen();
  let lastEventId = '';
  let away: number | undefined;
  try {
    for (;;) {
      try {
        const job = await call(api, Job, 'GET', `/jobs/${id}`);
        if (!(ENDED_PHASES.includes(job.phase) && (json || lastEventId !== ''))) {
          const answer = await request(`${api.replace(/\/$/, '')}/api/jobs/${id}/events`, {
            headers: {
              accept: 'text/event-stream',
              ...(lastEventId ? { 'last-event-id': lastEventId } : {}),
            },
          });
          away = undefined;
          for await (const event of readEvents(answer.body)) {
            if (event.id) lastEventId = event.id;
            const data: unknown = JSON.parse(event.data);
            if (event.event === 'log') screen?.log(LogEvent.parse(data));
            if (event.event === 'progress') screen?.progress(Progress.parse(data));
            if (event.event === 'phase' && ENDED_PHASES.includes(PhaseEvent.parse(data).phase)) break;
          }
        }
        const now = await call(api, Job, 'GET', `/jobs/${id}`);
        if (ENDED_PHASES.includes(now.phase)) {
          screen?.end(now);
          if (json) console.log(JSON.stringify(now));
          return now.phase === 'COMPLETED' ? EXIT.ok : EXIT.failed;
        }
      } catch (error) {
        const isBroken =
          error instanceof ApiUnreachable || (error instanceof TypeError && lastEventId !== '');
        away ??= Date.now();
        if (!isBroken || Date.now() - away > GIVE_UP_MS || lastEventId === '') throw error;
      }
      await delay(RETRY_MS);
    }
  } finally {
    screen?.close();
  }
}

interface Screen {
  log(line: z.infer<typeof LogEvent>): void;
  progress(progress: Progress): void;
  end(job: Job): void;
  close(): void;
}

/** A progress bar with the log above it on a terminal; plain lines elsewhere. */
function createScreen(): Screen {
  const bars = process.stdout.isTTY
    ? new MultiBar({
        format: '{bar} {percentage}% | {value}/{total} {unit} | {rejected} rejected | {eta_formatted}',
        hideCursor: true,
      })
    : undefined;
  let bar: SingleBar | undefined;
  const print = (line: string) => {
    if (bars) bars.log(`${line}\n`);
    else console.log(line);
  };
  return {
    log: ({ level, message }) => {
      print(level === 'info' ? message : `${level}: ${message}`);
    },
    progress: ({ done, total, unit, rejected = 0 }) => {
      if (!bars) return;
      bar ??= bars.create(total, done, { unit, rejected });
      bar.setTotal(total);
      bar.update(done, { unit, rejected });
    },
    end: (job) => {
      bars?.stop();
      console.log(
        `${job.phase}${job.error ? `: ${job.error.message}` : ''}${job.phase === 'COMPLETED' ? `  ${job.dir_path}` : ''}`,
      );
    },
    close: () => bars?.stop(),
  };
}
