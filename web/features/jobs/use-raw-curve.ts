import { useQuery } from '@tanstack/vue-query';
import { computed, type MaybeRefOrGetter, toValue } from 'vue';
import type { PreprocessingConfig } from '../../../contracts/preprocessing.ts';
import { getSpectrumArrays, getSpectrumScalars } from '../../api-client/spectra.ts';
import { type Curve, curveOf } from '../../components/curve.ts';
import { rawOverGrid, toRestFrame } from './raw-overlay.ts';

/** The raw spectrum of a file of the archive, scaled and shifted so that it lies over its preprocessed row. */
export function useRawCurve(options: {
  /** In the archive; '' for none. */
  path: MaybeRefOrGetter<string>;
  /** [Å]. */
  grid: MaybeRefOrGetter<readonly number[] | undefined>;
  scaling: MaybeRefOrGetter<PreprocessingConfig['scaling']>;
  restFrame: MaybeRefOrGetter<boolean>;
}) {
  const path = computed(() => toValue(options.path));
  const restFrame = computed(() => toValue(options.restFrame));
  const arrays = useQuery({
    queryKey: ['spectra', path, 'arrays'],
    queryFn: ({ signal }) => getSpectrumArrays(path.value, signal),
    enabled: computed(() => path.value !== ''),
    staleTime: Infinity,
  });
  const scalars = useQuery({
    queryKey: ['spectra', path, 'scalars'],
    queryFn: ({ signal }) => getSpectrumScalars(path.value, signal),
    enabled: computed(() => restFrame.value && path.value !== ''),
  });
  const curve = computed<Curve | undefined>(() => {
    const grid = toValue(options.grid);
    if (path.value === '' || !arrays.data.value || !grid) return undefined;
    const raw = curveOf(arrays.data.value.wave, arrays.data.value.flux);
    const redshift = scalars.data.value?.z;
    if (restFrame.value && redshift === undefined) return undefined;
    const shifted = restFrame.value && redshift !== undefined ? toRestFrame(raw, redshift) : raw;
    return rawOverGrid(shifted, grid, toValue(options.scaling));
  });
  return { curve, failure: computed(() => arrays.error.value ?? scalars.error.value) };
}
