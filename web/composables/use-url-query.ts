import { computed, type ComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

/**
 * What the address holds after `?`, so that a filtered list can be bookmarked and Back works.
 * `set` changes some keys ('' removes one) and, unless it sets `offset` itself, goes to the first page.
 */
export function useUrlQuery(): {
  query: ComputedRef<Record<string, string>>;
  set: (changes: Record<string, string>) => void;
} {
  const route = useRoute();
  const router = useRouter();
  const query = computed(() =>
    Object.fromEntries(
      Object.entries(route.query).flatMap(([key, value]) => {
        const text = Array.isArray(value) ? value[0] : value;
        return text ? [[key, text]] : [];
      }),
    ),
  );
  return {
    query,
    set: (changes) => {
      const merged = { ...query.value, offset: '', ...changes };
      void router.replace({
        query: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== '')),
      });
    },
  };
}
