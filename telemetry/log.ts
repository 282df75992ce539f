import { trace } from '@opentelemetry/api';
import { type Logger, type LevelWithSilent, pino } from 'pino';

export interface LogOptions {
  /** Of the process: `api`, `control`, `cpu`. */
  name: string;
  level?: LevelWithSilent;
  /** Of the request or the task that the line is written for, asked for at each line. */
  ids?: () => Record<string, unknown>;
}

/** The process's log: JSON lines on standard output, each with the ids of what it is about, its trace's included. */
export function createLog({ name, level = 'info', ids = () => ({}) }: LogOptions): Logger {
  return pino({ name, level, mixin: () => ({ ...traceIds(), ...ids() }) });
}

function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan();
  if (!span?.isRecording()) return {};
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}
