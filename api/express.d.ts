import type { Logger } from 'pino';

declare global {
  namespace Express {
    interface Request {
      /** Carries the request's id into every line. */
      log: Logger;
    }
  }
}
