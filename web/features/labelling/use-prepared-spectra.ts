import { useQueries, type UseQueryOptions } from '@tanstack/vue-query';
import { computed, type MaybeRefOrGetter, toValue } from 'vue';
import { getPreparedSpectra, type PreparedSpectra } from '../../api-client/labellings.ts';

/** The spectra of a batch as the network sees them; they never change. */
export function preparedSpectraQuery(dirPath: string, iteration: number) {
  return {
    queryKey: ['prepared spectra', dirPath, iteration],
    queryFn: ({ signal }: { signal: AbortSignal }) => getPreparedSpectra({ dirPath, iteration }, signal),
    staleTime: Infinity,
  } satisfies UseQueryOptions<PreparedSpectra>;
}

/** Spectra of several batches that are on one grid, by file name: `count` iterations up to `iteration`. */
export function useSpectraUpTo(options: {
  dirPath: MaybeRefOrGetter<string>;
  iteration: MaybeRefOrGetter<number>;
  count: number;
}) {
  const queries = useQueries({
    queries: computed(() => {
      const last = toValue(options.iteration);
      return Array.from({ length: Math.min(options.count, last + 1) }, (_, back) =>
        preparedSpectraQuery(toValue(options.dirPath), last - back),
      );
    }),
  });
  return computed(() => {
    const spectra = new Map<string, (number | null)[]>();
    const grid = queries.value[0]?.data?.wave;
    if (!grid) return { grid, spectra };
    for (const { data } of queries.value)
      if (data && data.wave.length === grid.length)
        for (const [name, flux] of Object.entries(data.spectra))
          if (!spectra.has(name)) spectra.set(name, flux);
    return { grid, spectra };
  });
}
