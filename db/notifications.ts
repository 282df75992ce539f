import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

export type Channel = 'job_events' | 'outbox';

export interface NotificationHandlers {
  onNotification: (channel: Channel, payload: string) => void;
  /** Listening (again): whatever was notified in between was missed and must be read from the tables. */
  onConnected: () => void;
  onError: (error: unknown) => void;
}

const CHANNELS: readonly Channel[] = ['job_events', 'outbox'];
const RECONNECT_MS = 1000;

/** Listens on every channel over one connection of its own, which is made again whenever it breaks. */
export function listen(url: string, handlers: NotificationHandlers): { close: () => Promise<void> } {
  const closing = new AbortController();

  /** One connection's life; returns when it has ended. */
  async function listenOnce(): Promise<void> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true });
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    client.on('error', handlers.onError);
    client.on('notification', ({ channel, payload }) => {
      const known = CHANNELS.find((name) => name === channel);
      if (known) handlers.onNotification(known, payload ?? '');
    });
    const end = (): void => void client.end().catch(handlers.onError);
    closing.signal.addEventListener('abort', end, { once: true });
    try {
      await client.connect();
      for (const channel of CHANNELS) await client.query(`listen ${channel}`);
      handlers.onConnected();
      await ended;
    } catch (error) {
      end();
      if (!closing.signal.aborted) throw error;
    } finally {
      closing.signal.removeEventListener('abort', end);
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await listenOnce().catch(handlers.onError);
      if (!closing.signal.aborted)
        await delay(RECONNECT_MS, undefined, { signal: closing.signal }).catch((error: unknown) => {
          if (!closing.signal.aborted) throw error;
        });
    }
  }
  const running = run();
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
