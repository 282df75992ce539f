import { describe, expect, it } from 'vitest';
import { ActiveLearningConfig } from '../../../contracts/active-learning.ts';
import { applies } from '../jobs/config-form.ts';
import {
  BATCH_KEYS,
  type CampaignKey,
  changeDraft,
  changedCount,
  configOfDraft,
  draftOfConfig,
  emptyDraft,
  END_KEYS,
  errorsAtFields,
  FIELDS,
  MORE_KEYS,
  validateDraft,
} from './campaign-form.ts';

const words = { required: 'required', number: 'number', layers: 'layers' };
const SMALLEST = {
  classes: ['other', 'double peak'],
  candidate_classes: ['double peak'],
  pool_data_path: '/JOBS/job_a/result.h5',
};
const draftWith = (values: Partial<Record<CampaignKey, string>>) => {
  const draft = draftOfConfig(SMALLEST);
  return { ...draft, values: { ...draft.values, ...values } };
};
const backAndForth = (config: unknown) =>
  configOfDraft(draftOfConfig(JSON.parse(JSON.stringify(ActiveLearningConfig.parse(config)))));

describe('the form of a campaign', () => {
  it('has each field in one section', () => {
    const placed = [
      'pool_data_path',
      'classes',
      'candidate_classes',
      ...BATCH_KEYS,
      ...END_KEYS,
      ...MORE_KEYS,
    ];
    expect(placed.toSorted()).toEqual(FIELDS.map(({ key }) => key).toSorted());
  });
  it('has a field for every key of the contract, but that of steps, which clients drive', () => {
    const names = new Set(FIELDS.flatMap(({ path }) => (path === undefined ? [] : [path[0]])));
    const keys = Object.keys(ActiveLearningConfig.shape).filter((key) => key !== 'iteration');
    expect([...names].toSorted()).toEqual(keys.toSorted());
  });
  it('starts with the defaults of the contract', () => {
    expect(emptyDraft().values).toMatchObject({
      classes: '',
      oracle_batch_size: '100',
      perf_est_batch_size: '10',
      strategy: 'entropy',
      show_candidates: 'false',
      stopping_rule: 'none',
      stopping_labels: '',
      stopping_kappa: '0.99',
      stopping_audit_size: '100',
      snr_band: 'median',
      missing: 'remove',
      objects_by: '',
      objects_radius_arcsec: '3',
      embedding: 'tsne',
    });
  });
  it('leaves out what is at its default', () => {
    expect(configOfDraft(draftWith({}))).toEqual(SMALLEST);
    expect(configOfDraft(draftWith({ show_candidates: 'true', seed: '7', stopping_labels: '5' }))).toEqual({
      ...SMALLEST,
      show_candidates: true,
      seed: 7,
    });
    expect(ActiveLearningConfig.parse(configOfDraft(draftWith({})))).toEqual(
      ActiveLearningConfig.parse(SMALLEST),
    );
  });
  it.each([
    { stopping: { rule: 'label_budget', labels: 150 } },
    { stopping: { rule: 'prediction_agreement', kappa: 0.95 } },
    { stopping: { rule: 'classification_change', iterations: 5 } },
    { stopping: { rule: 'target_precision' }, max_iterations: 9 },
    { cuts: { class: ['STAR'], snr: { band: 'g', min: 10 }, magnitude: { band: 'r', max: 17.5 } } },
    { cuts: { sky: { ra: 10, dec: 41, radius_deg: 3 }, coverage: { min: 0.9 }, missing: 'keep' } },
    { cuts: { sky: { ra_min: 350, ra_max: 10, dec_min: 0, dec_max: 5 } } },
    { objects: { by: 'designation' } },
    { objects: { by: 'position', radius_arcsec: 2 }, embedding: 'none', network: { layers: [] } },
  ])('goes there and back, as a run job has it: %j', (options) => {
    const config = { ...SMALLEST, ...options };
    expect(backAndForth(config)).toMatchObject(options);
    expect(ActiveLearningConfig.parse(backAndForth(config))).toEqual(ActiveLearningConfig.parse(config));
  });
  it('takes an old client’s empty paths for none', () => {
    expect(configOfDraft(draftOfConfig({ ...SMALLEST, training_data_path: '', colour: 'red' }))).toEqual({
      ...SMALLEST,
      colour: 'red',
    });
  });
  it('says at the field what is missing or wrong', () => {
    expect(validateDraft(emptyDraft(), words)).toEqual({
      pool_data_path: 'required',
      classes: 'required',
      candidate_classes: 'required',
    });
    expect(
      validateDraft(
        draftWith({ stopping_rule: 'label_budget', oracle_batch_size: 'many', sky: 'cone', snr_band: 'g' }),
        words,
      ),
    ).toMatchObject({
      stopping_labels: 'required',
      oracle_batch_size: 'number',
      cone_ra: 'required',
      snr_min: expect.any(String),
    });
    expect(validateDraft(draftWith({ candidate_classes: 'triple peak' }), words)).toEqual({
      candidate_classes: '[0]: triple peak is not one of classes',
    });
  });
  it('asks for what a stopping rule needs, and forgets it with the rule', () => {
    for (const { shape } of ActiveLearningConfig.shape.stopping.unwrap().options) {
      const [rule = ''] = shape.rule.values;
      const draft = draftWith({ stopping_rule: rule });
      const options = FIELDS.filter((field) => field.when?.key === 'stopping_rule' && applies(field, draft));
      expect(['rule', ...options.map(({ path }) => path?.at(-1))].toSorted(), rule).toEqual(
        Object.keys(shape).toSorted(),
      );
    }
    const typed = draftOfConfig({ ...SMALLEST, stopping: { rule: 'none', labels: 5 } });
    expect(validateDraft(typed, words)).toEqual({ stopping_rule: expect.stringMatching(/labels/) });
    expect(configOfDraft(changeDraft(typed, 'stopping_rule', 'none'))).toEqual(SMALLEST);
  });
  it('counts what is not at its default, of what there is', () => {
    expect(changedCount(draftWith({}), MORE_KEYS)).toBe(0);
    expect(changedCount(draftWith({ cut_class: 'STAR', epochs_train: '5', cone_ra: '3' }), MORE_KEYS)).toBe(
      2,
    );
  });
  it('shows the server’s problems at their fields', () => {
    expect(
      errorsAtFields([
        { path: 'config.cuts.snr.min', message: 'a' },
        { path: 'cuts.sky', message: 'b' },
        { path: 'pool_data_path', message: 'c' },
        { path: 'cuts.colour', message: 'd' },
      ]),
    ).toEqual({ snr_min: 'a', sky: 'b', pool_data_path: 'c', config: 'cuts.colour: d' });
  });
});
