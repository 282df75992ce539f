import { QueryClient } from '@tanstack/vue-query';
import { ApiFailure } from './api-client/http.ts';

/** Again is worth a try only where the server, not the request, was the reason. */
function isWorthRetrying(failures: number, error: Error): boolean {
  return failures < 2 && error instanceof ApiFailure && (error.status === 0 || error.status >= 502);
}

export const queryClient = new QueryClient({
  defaultOptions: {
    // 'always': the API is on this machine, whatever the browser thinks of its network.
    queries: { networkMode: 'always', retry: isWorthRetrying, retryDelay: 500, staleTime: 1000 },
    mutations: { networkMode: 'always' },
  },
});
