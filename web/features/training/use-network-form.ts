import { computed, ref, watch } from 'vue';
import { useRoute } from 'vue-router';
import type { Job, JobType } from '../../../contracts/job.ts';
import { texts } from '../../texts.ts';
import type { ConfigDraft, ConfigField, ConfigForm } from '../jobs/config-form.ts';
import { useJobForm } from '../jobs/use-job-form.ts';

/** A form of jobs that train a network, as data: its fields, and what is made of them. */
interface NetworkForm<Key extends string> extends Pick<
  ConfigForm<Key>,
  | 'emptyDraft'
  | 'configOfDraft'
  | 'draftOfConfig'
  | 'changeDraft'
  | 'changedCount'
  | 'errorsAtFields'
  | 'validateDraft'
> {
  type: JobType;
  fields: readonly ConfigField<Key>[];
  /** The fields that are folded away. */
  moreKeys: readonly Key[];
  /** The path that a link to the page may bring along, as `?data=`. */
  linked: Key;
}

/** The draft of a job that trains a network, from its defaults, a job to start from or a link, and the form around it. */
export function useNetworkForm<Key extends string>(data: NetworkForm<Key>, source: Job | undefined) {
  const { data: linked } = useRoute().query;
  const draft = ref<ConfigDraft>(data.emptyDraft());
  const form = useJobForm({
    type: data.type,
    source,
    config: () => data.configOfDraft(draft.value),
    take: (config) => {
      draft.value = data.draftOfConfig(config);
    },
    fieldKeys: data.fields.map((field) => field.key),
    validate: () =>
      data.validateDraft(draft.value, {
        required: texts.newJob.required,
        number: texts.newJob.number,
        layers: texts.newJob.training.layers,
      }),
    errorsAtFields: data.errorsAtFields,
    takesBackRefused: true,
  });
  if (typeof linked === 'string' && !source) draft.value = data.changeDraft(draft.value, data.linked, linked);

  const changed = computed(() => data.changedCount(draft.value, data.moreKeys));
  const isMoreOpen = ref(source !== undefined && changed.value > 0);
  // What is wrong, or was typed into config.json, is not to be looked for.
  watch([() => form.refusals, () => form.editing && form.configText], () => {
    if (data.moreKeys.some((key) => form.errors[key])) isMoreOpen.value = true;
  });

  return {
    form,
    draft,
    changed,
    isMoreOpen,
    change(key: Key, value: string) {
      draft.value = data.changeDraft(draft.value, key, value);
      form.change(key);
    },
  };
}
