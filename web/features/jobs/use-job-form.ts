import { useMutation, useQueryClient } from '@tanstack/vue-query';
import { computed, reactive, ref, watch } from 'vue';
import { useRouter } from 'vue-router';
import type { z } from 'zod';
import { problemsOf } from '../../../contracts/error.ts';
import { CreateJob, type Job, type JobType, type JsonObject } from '../../../contracts/job.ts';
import { ApiFailure } from '../../api-client/http.ts';
import { createJob, deleteJob, processJob } from '../../api-client/jobs.ts';
import { useNotices } from '../../composables/use-notices.ts';
import { texts } from '../../texts.ts';
import type { FieldErrors } from './config-form.ts';
import { parseConfigText } from './preprocessing-form.ts';

type Json = z.infer<typeof JsonObject>;
type Problems = readonly { path: string; message: string }[];

/** A form for jobs of one type: what is the same for all, around the fields of that type. */
export interface JobFormOptions {
  type: JobType;
  /** The job to start from. */
  source: Job | undefined;
  /** `config.json` as the fields have it now. */
  config: () => Json;
  /** The fields after the text editor, or the job to start from, brought this. */
  take: (config: Json) => void;
  fieldKeys: readonly string[];
  /** What is wrong with the fields now. */
  validate: () => FieldErrors;
  errorsAtFields: (problems: Problems) => FieldErrors;
  /**
   * RUN reads more than CREATE (whether files are there). With this a job that it refuses is taken back, and its
   * problems are shown at the fields; without, the job stays PENDING and its page is opened.
   */
  takesBackRefused: boolean;
}
export type JobForm = ReturnType<typeof useJobForm>;

/** State and actions of a page that creates a job: label, description, errors, the text of config.json, submission. */
export function useJobForm(options: JobFormOptions) {
  const words = texts.newJob;
  const router = useRouter();
  const queryClient = useQueryClient();
  const { tell, tellFailure } = useNotices();

  const label = ref(options.source ? words.cloneLabel(options.source.label) : '');
  const description = ref(options.source?.description ?? '');
  if (options.source?.config) options.take(options.source.config);

  const serverErrors = ref<FieldErrors>({});
  const touched = reactive(new Set<string>());
  const submitted = ref(false);
  /** Counts up when a submission is refused, here or by the server: the first error is to be focused. */
  const refusals = ref(0);

  const config = computed(options.config);
  const request = computed(() => ({
    type: options.type,
    label: label.value.trim(),
    description: description.value.trim() || undefined,
    config: config.value,
  }));
  const localErrors = computed<FieldErrors>(() => {
    const parsed = CreateJob.safeParse(request.value);
    const own = parsed.success ? {} : options.errorsAtFields(problemsOf(parsed.error));
    if (own['label'] && request.value.label === '') own['label'] = words.required;
    return { ...own, ...options.validate() };
  });
  const errors = computed<FieldErrors>(() => ({ ...serverErrors.value, ...localErrors.value }));
  /** The message to show at a field: its own errors only once it was touched, or all were asked for. */
  const shownError = (key: string) =>
    submitted.value || touched.has(key) ? errors.value[key] : serverErrors.value[key];
  /** To be called when the value of a field was changed in the form. */
  function change(key: string) {
    touched.add(key);
    serverErrors.value = {};
  }

  // The editor follows the form, but not while it is being typed in.
  const configText = ref('');
  const configProblem = ref<string>();
  const editing = ref(false);
  watch(
    config,
    (value) => {
      if (!editing.value) configText.value = JSON.stringify(value, null, 2);
    },
    { immediate: true },
  );
  function onConfigFocus() {
    editing.value = true;
  }
  function onConfigText(text: string) {
    configText.value = text;
    const parsed = parseConfigText(text);
    configProblem.value = 'problem' in parsed ? words.notJson(parsed.problem) : undefined;
    if (!('config' in parsed)) return;
    options.take(parsed.config);
    for (const key of options.fieldKeys) touched.add(key);
    change('config');
  }
  function onConfigBlur() {
    editing.value = false;
    if (!configProblem.value) configText.value = JSON.stringify(config.value, null, 2);
  }

  const creation = useMutation({
    mutationFn: async (run: boolean) => {
      const job = await createJob(request.value);
      try {
        if (run) await processJob(job.job_id, 'RUN');
      } catch (failure) {
        const isRefused =
          failure instanceof ApiFailure && failure.status === 422 && failure.errors.length > 0;
        if (isRefused && options.takesBackRefused) {
          await deleteJob(job.job_id, { files: true });
          throw failure;
        }
        // The job is there and PENDING: its page shows it, with RUN to try again.
        const why = failure instanceof ApiFailure ? failure.detail : String(failure);
        tellFailure(new Error(`${words.createdNotRun} ${why}`));
        return { job, ran: false };
      }
      return { job, ran: run };
    },
    onSuccess: async ({ job, ran }) => {
      void queryClient.invalidateQueries({ queryKey: ['jobs'] });
      if (ran) tell(texts.job.asked.RUN);
      await router.push({ name: 'job', params: { id: job.job_id } });
    },
    onError: (failure) => {
      if (!(failure instanceof ApiFailure) || failure.status !== 422) return;
      serverErrors.value = options.errorsAtFields(failure.errors);
      refusals.value += 1;
    },
  });

  function submit(run: boolean) {
    submitted.value = true;
    if (configProblem.value || Object.keys(localErrors.value).length > 0) {
      refusals.value += 1;
      return;
    }
    creation.mutate(run);
  }

  return reactive({
    label,
    description,
    touched,
    submitted,
    refusals,
    errors,
    errorCount: computed(() => Object.keys(errors.value).length + (configProblem.value ? 1 : 0)),
    shownError,
    change,
    configText,
    configProblem,
    editing,
    onConfigFocus,
    onConfigText,
    onConfigBlur,
    submit,
    failure: creation.error,
    isBusy: creation.isPending,
  });
}
