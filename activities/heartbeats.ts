import { Context } from '@temporalio/activity';

/** A cancellation reaches an activity with the answer to a heartbeat: half a second of the two an ABORT may take. */
const HEARTBEAT_MS = 500;

/** Heartbeats of the current activity, with `details` of that moment, until the returned function is called. */
export function startHeartbeats(details: () => unknown = () => undefined): () => void {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details()), HEARTBEAT_MS);
  return () => clearInterval(timer);
}

/** An activity that may take longer than the workflow waits for a heartbeat. */
export function withHeartbeats<Input, Result>(work: (input: Input) => Promise<Result>) {
  return async (input: Input): Promise<Result> => {
    const stopHeartbeats = startHeartbeats();
    try {
      return await work(input);
    } finally {
      stopHeartbeats();
    }
  };
}
