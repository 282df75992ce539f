import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { Logger } from 'pino';
import type { SEARCH_ATTRIBUTES } from '../contracts/task-queues.ts';
import {
  type OutboxRepository,
  type OutboxRow,
  SignalPayload,
  StartPayload,
  TraceContext,
} from '../db/repositories/outbox.ts';
import { Wakeup } from './wakeup.ts';

const DELIVERY_TIMEOUT_MS = 5000;
/** The notification wakes us; the poll is for rows whose retry is due and for notifications that were missed. */
const POLL_MS = 1000;

export interface OutboxDispatcher {
  /** Something may be in the outbox. */
  wake: () => void;
  /** Ends after the delivery under way. */
  stop: () => Promise<void>;
}

function searchAttributes(workflowId: string, payload: StartPayload): SearchAttributePair[] {
  const values: Partial<Record<keyof typeof SEARCH_ATTRIBUTES, string | undefined>> = {
    SpectrolabeJobId: payload.jobType && workflowId,
    SpectrolabeJobType: payload.jobType,
    SpectrolabeDataset: payload.dataset,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ key: defineSearchAttributeKey(name, 'KEYWORD'), value }],
  );
}

/** Hands one command to Temporal. What is there already, or has ended already, counts as delivered. */
export async function deliver(client: Client, row: OutboxRow): Promise<void> {
  const { workflowId } = row;
  try {
    if (row.command === 'start') {
      const payload = StartPayload.parse(row.payload);
      await client.workflow.start(payload.workflow, {
        workflowId,
        taskQueue: payload.taskQueue,
        args: [payload.input],
        memo: { label: payload.label ?? workflowId, description: payload.description ?? '' },
        typedSearchAttributes: searchAttributes(workflowId, payload),
        workflowIdConflictPolicy: 'FAIL',
        // A job runs once, so a second delivery must not run it again; what is no job (a scan) may run again.
        workflowIdReusePolicy: payload.jobType === undefined ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
      });
    } else if (row.command === 'signal') {
      const { signal, input } = SignalPayload.parse(row.payload);
      await client.workflow.getHandle(workflowId).signal(signal, ...(input === undefined ? [] : [input]));
    } else {
      await client.workflow.getHandle(workflowId).cancel();
    }
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError)
      return;
    throw error;
  }
}

/** In the trace of the request that the command is from. */
function deliverTraced(client: Client, row: OutboxRow): Promise<void> {
  const { trace = {} } = row.payload;
  const parent = propagation.extract(ROOT_CONTEXT, TraceContext.parse(trace));
  return context.with(parent, () =>
    client.withDeadline(Date.now() + DELIVERY_TIMEOUT_MS, () => deliver(client, row)),
  );
}

/** Delivers the outbox to Temporal until stopped, each workflow's commands in order, for as long as it takes. */
export function startOutboxDispatcher({
  outbox,
  client,
  log,
}: {
  outbox: OutboxRepository;
  client: Client;
  log: Logger;
}): OutboxDispatcher {
  const wakeup = new Wakeup();
  let stopped = false;

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        const taken = await outbox.deliverNext((row) => deliverTraced(client, row));
        if (!taken) {
          await wakeup.wait(POLL_MS);
        } else if (taken.error !== undefined) {
          const { row, error } = taken;
          const delivery = { command: row.command, workflowId: row.workflowId, attempts: row.attempts + 1 };
          // The message says it all; a trace each time would fill the log while Temporal is away.
          log.warn(
            { reason: String(error), ...delivery },
            'Temporal did not take a command; it is tried again',
          );
        }
      } catch (error) {
        log.warn({ err: error }, 'the outbox could not be read; it is tried again');
        await wakeup.wait(POLL_MS);
      }
    }
  }
  const running = run();
  return {
    wake: () => wakeup.wake(),
    stop: async () => {
      stopped = true;
      wakeup.wake();
      await running;
    },
  };
}
