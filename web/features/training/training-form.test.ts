import { describe, expect, it } from 'vitest';
import { JsonObject } from '../../../contracts/job.ts';
import { DEFAULT_NETWORK, FittingOptions } from '../../../contracts/network.ts';
import { TrainingConfig } from '../../../contracts/training.ts';
import { applies, formatLayers, parseNames } from '../jobs/config-form.ts';
import {
  changeDraft,
  changedCount,
  configOfDraft,
  DATA_KEYS,
  draftOfConfig,
  emptyDraft,
  errorsAtFields,
  FIELDS,
  FITTING_KEYS,
  MORE_KEYS,
  STOPPING_KEYS,
  type TrainingKey,
  validateDraft,
} from './training-form.ts';

const words = {
  required: 'required',
  number: 'number',
  layers: 'layers',
};
const draftWith = (values: Partial<Record<TrainingKey, string>>) =>
  Object.entries({ training_data_path: '/a.h5', ...values }).reduce(
    (draft, [key, value]) => ({ ...draft, values: { ...draft.values, [key]: value } }),
    emptyDraft(),
  );

describe('the fields', () => {
  it('stand in one section each', () => {
    const placed = [...DATA_KEYS, ...FITTING_KEYS, ...STOPPING_KEYS, ...MORE_KEYS];
    expect(placed.toSorted()).toEqual(FIELDS.map(({ key }) => key).toSorted());
  });
  it('name options of the schema', () => {
    const config = TrainingConfig.parse(configOfDraft(draftWith({})));
    for (const { path } of FIELDS.filter(({ required, when }) => required && !when))
      expect(
        (path ?? []).reduce<unknown>((at, name) => Object(at)[name], config),
        path?.join('.'),
      ).toBeDefined();
  });
  it('start with the defaults of a job without fitting options', () => {
    expect(emptyDraft().values).toMatchObject({
      epochs: '1000',
      validation_fraction: '0.2',
      monitor: 'val_loss',
      patience: '20',
      accelerator: 'auto',
      batch_size_predict: '16384',
    });
  });
});

describe('a draft and its config.json', () => {
  it('leaves out what is at its default', () => {
    expect(configOfDraft(draftWith({}))).toEqual({ training_data_path: '/a.h5' });
    expect(configOfDraft(draftWith({ seed: '7', patience: '5', accelerator: 'cpu' }))).toEqual({
      training_data_path: '/a.h5',
      fitting: { seed: 7, early_stopping: { patience: 5 } },
      accelerator: 'cpu',
    });
  });
  it('means the same job as the schema’s defaults do', () => {
    expect(TrainingConfig.parse(configOfDraft(draftWith({})))).toEqual(
      TrainingConfig.parse({ training_data_path: '/a.h5' }),
    );
  });
  it('goes there and back, as a run job has it: with every default written out', () => {
    const config = TrainingConfig.parse({
      training_data_path: '/JOBS/job_a/result.h5',
      labels_path: '/labels.csv',
      classes: ['other', 'single peak'],
      network: { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 8 }] },
      fitting: {
        epochs: 30,
        learning_rate: 5e-4,
        learning_rate_schedule: { kind: 'cosine', epochs: 30 },
        early_stopping: { monitor: 'loss', min_delta: 0.001 },
      },
      accelerator: 'cpu',
      pool_data_path: '/pool.h5',
    });
    expect(TrainingConfig.parse(configOfDraft(draftOfConfig(JSON.parse(JSON.stringify(config)))))).toEqual(
      config,
    );
  });
  it('shows what absent options of a given fitting mean, as of an absent one', () => {
    const config = { training_data_path: '/a.h5', fitting: { epochs: 5 } };
    const draft = draftOfConfig(config);
    expect(draft.values).toMatchObject({ validation_fraction: '0.2', monitor: 'val_loss', patience: '20' });
    expect(TrainingConfig.parse(configOfDraft(draft))).toEqual(TrainingConfig.parse(config));
  });
  it('keeps unknown keys and wrong types, so that the schema can refuse them', () => {
    const draft = draftOfConfig({
      training_data_path: '/a.h5',
      colour: 'red',
      fitting: { epochs: 'many', momentum: 0.9 },
    });
    expect(configOfDraft(draft)).toMatchObject({
      colour: 'red',
      fitting: { epochs: 'many', momentum: 0.9 },
    });
    const errors = validateDraft(draft, words);
    expect(errors['config']).toMatch(/momentum|colour/);
    expect(errors['epochs']).toMatch(/expected number/);
    const changed = changeDraft(draft, 'epochs', '5');
    expect(configOfDraft(changed)).toMatchObject({ fitting: { epochs: 5, momentum: 0.9 } });
  });
  it('survives a fitting that is no object', () => {
    const draft = draftOfConfig({ training_data_path: '/a.h5', fitting: 5 });
    expect(configOfDraft(draft)).toEqual({ training_data_path: '/a.h5', fitting: 5 });
    expect(validateDraft(draft, words).config).toMatch(/^fitting: /);
  });
});

describe('validateDraft', () => {
  it('is content with the defaults once there are data', () => {
    expect(validateDraft(draftWith({}), words)).toEqual({});
    expect(validateDraft(emptyDraft(), words)).toEqual({ training_data_path: 'required' });
  });
  it('says what is missing and what cannot be read', () => {
    expect(
      validateDraft(draftWith({ epochs: '', learning_rate: 'small', network: '[{', classes: 'one' }), words),
    ).toEqual({
      epochs: 'required',
      learning_rate: 'number',
      network: 'layers',
      classes: expect.stringMatching(/2/),
    });
  });
  it('checks layers by the contract and names the one that is wrong', () => {
    const errors = validateDraft(
      draftWith({ network: '[{"kind": "flatten"}, {"kind": "dense", "units": 0}]' }),
      words,
    );
    expect(Object.keys(errors)).toEqual(['network']);
    expect(errors['network']).toMatch(/^\[1\]\.units: /);
  });
});

describe('the schedule of the learning rate', () => {
  const scheduleOf = (values: Partial<Record<TrainingKey, string>>) =>
    JsonObject.parse(configOfDraft(draftWith(values))['fitting'])['learning_rate_schedule'];

  it('says only what its kind has', () => {
    const values = { schedule_every_epochs: '50', schedule_factor: '0.5', schedule_epochs: '300' };
    expect(configOfDraft(draftWith({ ...values, schedule: 'constant' }))).not.toHaveProperty('fitting');
    expect(scheduleOf({ ...values, schedule: 'step' })).toEqual({
      kind: 'step',
      every_epochs: 50,
      factor: 0.5,
    });
    expect(scheduleOf({ ...values, schedule: 'cosine' })).toEqual({ kind: 'cosine', epochs: 300 });
  });
  it('asks for what its kind needs', () => {
    expect(validateDraft(draftWith({ schedule: 'step', schedule_factor: '2' }), words)).toEqual({
      schedule_every_epochs: 'required',
      schedule_factor: expect.stringMatching(/1/),
    });
  });
  it('offers every kind of the contract, with a field for each of its options', () => {
    for (const { shape } of FittingOptions.shape.learning_rate_schedule.unwrap().options) {
      const [kind = ''] = shape.kind.values;
      const draft = draftWith({ schedule: kind });
      const options = FIELDS.filter((field) => field.when?.key === 'schedule' && applies(field, draft));
      expect(['kind', ...options.map(({ path }) => path?.at(-1))].toSorted(), kind).toEqual(
        Object.keys(shape).toSorted(),
      );
    }
  });
  it('keeps what its kind does not have, to be refused, until another kind is chosen', () => {
    const learning_rate_schedule = { kind: 'constant', factor: 0.5 };
    const draft = draftOfConfig({ training_data_path: '/a.h5', fitting: { learning_rate_schedule } });
    expect(configOfDraft(draft)['fitting']).toMatchObject({ learning_rate_schedule });
    expect(validateDraft(draft, words)).toEqual({ schedule: expect.stringMatching(/factor/) });
    expect(configOfDraft(changeDraft(draft, 'schedule', 'constant'))).not.toHaveProperty('fitting');
    expect(validateDraft(changeDraft(draft, 'schedule', 'constant'), words)).toEqual({});
  });
});

describe('errorsAtFields', () => {
  it('maps the server’s paths, with and without config, to fields and the rest to the editor', () => {
    expect(
      errorsAtFields([
        { path: 'labels_path', message: 'is not there' },
        { path: 'config.fitting.early_stopping.patience', message: 'too small' },
        { path: 'classes[1]', message: 'too long' },
        { path: 'network.layers[0].filters', message: 'too many' },
        { path: 'fitting', message: 'unknown key' },
        { path: 'labels_path', message: 'second' },
      ]),
    ).toEqual({
      labels_path: 'is not there',
      patience: 'too small',
      classes: '[1]: too long',
      network: '[0].filters: too many',
      config: 'fitting: unknown key',
    });
  });
});

describe('layers', () => {
  it('are one a line, and valid JSON', () => {
    const text = formatLayers(DEFAULT_NETWORK.layers);
    expect(text.split('\n')).toHaveLength(DEFAULT_NETWORK.layers.length + 2);
    expect(JSON.parse(text)).toEqual(DEFAULT_NETWORK.layers);
    expect(text).toContain('"kind": "conv1d", "filters": 64');
  });
  it('count as the default however they are written', () => {
    const compact = draftWith({ network: JSON.stringify(DEFAULT_NETWORK.layers) });
    expect(configOfDraft(compact)).not.toHaveProperty('network');
    expect(changedCount(compact, MORE_KEYS)).toBe(0);
    expect(changedCount(draftWith({ network: '[]', accelerator: 'cpu' }), MORE_KEYS)).toBe(2);
    expect(configOfDraft(draftWith({ network: '[]' }))).toHaveProperty('network', { layers: [] });
  });
});

describe('names', () => {
  it('stand one a line and may hold commas', () => {
    expect(parseNames(' other \n\nBe, Ae\n')).toEqual(['other', 'Be, Ae']);
  });
});
