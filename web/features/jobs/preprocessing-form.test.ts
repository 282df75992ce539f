import { describe, expect, it } from 'vitest';
import { PreprocessingConfig } from '../../../contracts/preprocessing.ts';
import {
  changedCount,
  configOfDraft,
  draftOfConfig,
  emptyDraft,
  errorsAtFields,
  FIELDS,
  formatRanges,
  GRID_KEYS,
  gridStepAngstrom,
  MORE_KEYS,
  parseConfigText,
  parseRanges,
  PRESETS,
  validateDraft,
  WHAT_KEYS,
} from './preprocessing-form.ts';

const words = { required: 'required', number: 'number', ranges: 'ranges' };
const halpha = () => {
  const draft = emptyDraft();
  Object.assign(draft.values, PRESETS[0]?.values);
  return draft;
};

describe('the fields', () => {
  it('are all options of the schema', () => {
    expect(FIELDS.map((field) => field.key)).toEqual(Object.keys(PreprocessingConfig.shape));
  });
  it('stand in one section each', () => {
    const placed = [...WHAT_KEYS, ...GRID_KEYS, ...MORE_KEYS];
    expect(placed.toSorted()).toEqual(FIELDS.map(({ key }) => key).toSorted());
  });
  it('that are required are not folded away', () => {
    expect(FIELDS.filter(({ key, required }) => required && MORE_KEYS.includes(key))).toEqual([]);
  });
  it('know their kind and default from the schema', () => {
    expect(FIELDS.find((field) => field.key === 'scaling')).toEqual({
      key: 'scaling',
      kind: 'choice',
      required: false,
      fallback: 'minmax',
      choices: ['minmax', 'minmax01', 'zscore', 'continuum', 'none'],
    });
    expect(FIELDS.find((field) => field.key === 'min_coverage')).toMatchObject({
      kind: 'number',
      required: false,
    });
    expect(FIELDS.find((field) => field.key === 'wave_start_point')).toMatchObject({ required: true });
  });
});

describe('a draft and its config.json', () => {
  it('leaves out defaults, keeps what is required', () => {
    expect(configOfDraft(halpha())).toEqual({
      data_dir_path: '/',
      wave_start_point: 6519,
      wave_end_point: 6732,
      wave_point_count: 140,
    });
  });
  it('goes there and back', () => {
    const config = {
      data_dir_path: '/M31',
      wave_start_point: 3700,
      wave_end_point: 9000,
      wave_point_count: 3700,
      bad_pixels: 'keep',
      min_coverage: 0.75,
      interpolation: 'flux_conserving',
      resolution_from: 1800,
      resolution_to: 750.5,
      despike: true,
      rest_frame: true,
      compression: 'gzip',
      reuse: 'content',
      required_ranges: [[6550, 6580.5]] as [number, number][],
      recursive: false,
    };
    expect(configOfDraft(draftOfConfig(config))).toEqual(config);
  });
  it('keeps unknown keys and wrong types, so that the schema can refuse them', () => {
    const draft = draftOfConfig({ wave_start_point: true, colour: 'red' });
    expect(configOfDraft(draft)).toMatchObject({ wave_start_point: true, colour: 'red' });
    expect(validateDraft(draft, words).config).toContain('colour');
    expect(validateDraft(draft, words).wave_start_point).toMatch(/expected number/);
  });
  it('is valid for every preset', () => {
    for (const preset of PRESETS) {
      const draft = emptyDraft();
      Object.assign(draft.values, preset.values);
      expect(validateDraft(draft, words)).toEqual({});
    }
  });
});

describe('validateDraft', () => {
  it('says what is missing, what is no number and what contradicts', () => {
    const draft = halpha();
    draft.values.wave_start_point = '';
    draft.values.max_gap = 'five';
    draft.values.required_ranges = '6550 to 6580';
    expect(validateDraft(draft, words)).toEqual({
      wave_start_point: 'required',
      max_gap: 'number',
      required_ranges: 'ranges',
    });
    const upsideDown = halpha();
    upsideDown.values.wave_end_point = '6000';
    expect(validateDraft(upsideDown, words)).toEqual({ wave_end_point: 'must be above wave_start_point' });
  });
});

describe('options that contradict one another', () => {
  const errorsOf = (values: Record<string, string | boolean>) => {
    const draft = halpha();
    Object.assign(draft.values, values);
    return validateDraft(draft, words);
  };
  it('are told at the field that is missing or wrong', () => {
    expect(errorsOf({ resolution_from: '1800', resolution_to: '500' })).toEqual({});
    expect(errorsOf({ resolution_from: '1800' })).toEqual({
      resolution_to: 'is needed together with resolution_from',
    });
    expect(errorsOf({ resolution_from: '500', resolution_to: '1800' }).resolution_to).toMatch(
      /must be below resolution_from/,
    );
    expect(
      errorsOf({ resolution_from: '1800', resolution_to: '500', smoothing_sigma: '2' }).smoothing_sigma,
    ).toMatch(/either this/);
    expect(errorsOf({ scaling: 'continuum', wave_point_count: '10' }).scaling).toMatch(/20 points/);
  });
});

describe('changedCount', () => {
  it('counts what is not at its default, also what only the editor can hold', () => {
    const draft = draftOfConfig({ ...configOfDraft(halpha()), despike: true, scaling: 7, grid: 'linear' });
    expect(changedCount(draft, ['despike', 'scaling', 'grid', 'interpolation'])).toBe(2);
  });
});

describe('errorsAtFields', () => {
  it('maps the server’s paths, with and without config, to fields and the rest to the editor', () => {
    expect(
      errorsAtFields([
        { path: 'config.wave_start_point', message: 'a' },
        { path: 'required_ranges[0][1]', message: 'b' },
        { path: 'label', message: 'c' },
        { path: 'config.nothing', message: 'd' },
        { path: 'label', message: 'second' },
      ]),
    ).toEqual({ wave_start_point: 'a', required_ranges: 'b', label: 'c', config: 'config.nothing: d' });
  });
});

describe('ranges', () => {
  it('are read with hyphen or dash and written back', () => {
    expect(parseRanges('6550-6580, 6700 – 6710.5')).toEqual([
      [6550, 6580],
      [6700, 6710.5],
    ]);
    expect(parseRanges(' ')).toEqual([]);
    expect(parseRanges('6550')).toBeUndefined();
    expect(formatRanges([[6550, 6580]])).toBe('6550–6580');
  });
});

describe('parseConfigText', () => {
  it('takes objects only', () => {
    expect(parseConfigText('{"a": 1}')).toEqual({ config: { a: 1 } });
    expect(parseConfigText('[1]')).toEqual({ problem: 'must be a JSON object' });
    expect(parseConfigText('{')).toHaveProperty('problem');
  });
});

describe('gridStepAngstrom', () => {
  it('is the step of the linear grid, and the first step of the logarithmic one', () => {
    expect(gridStepAngstrom(halpha())).toBeCloseTo(213 / 139, 12);
    const log = halpha();
    log.values.grid = 'log';
    expect(gridStepAngstrom(log)).toBeCloseTo(6519 * ((6732 / 6519) ** (1 / 139) - 1), 9);
  });
  it('is unknown while the numbers make no grid', () => {
    expect(gridStepAngstrom(emptyDraft())).toBeUndefined();
  });
});
