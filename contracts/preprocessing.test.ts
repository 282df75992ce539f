import { describe, expect, it } from 'vitest';
import { problemsOf } from './error.ts';
import { PreprocessingConfig, type PreprocessingConfigInput } from './preprocessing.ts';

const halpha = { data_dir_path: '/', wave_start_point: 6519, wave_end_point: 6732, wave_point_count: 140 };
const problems = (options: Partial<PreprocessingConfigInput>) => {
  const parsed = PreprocessingConfig.safeParse({ ...halpha, ...options });
  return parsed.success ? [] : problemsOf(parsed.error);
};

describe('PreprocessingConfig', () => {
  it('needs only directory and grid; every other option has the documented default', () => {
    expect(PreprocessingConfig.parse(halpha)).toEqual({
      ...halpha,
      grid: 'linear',
      interpolation: 'linear',
      despike: false,
      rest_frame: false,
      bad_pixels: 'interpolate',
      max_gap: 5,
      required_ranges: [],
      outside: 'edge',
      medium: 'auto',
      scaling: 'minmax',
      compression: 'none',
      max_reject_fraction: 1,
      reuse: 'metadata',
      recursive: true,
    });
  });

  it('describes every option', () => {
    for (const [key, schema] of Object.entries(PreprocessingConfig.shape))
      expect(schema.meta()?.description, key).toBeTruthy();
  });

  it('takes both resolutions, or a sigma', () => {
    expect(problems({ resolution_from: 1800, resolution_to: 500 })).toEqual([]);
    expect(problems({ smoothing_sigma: 2 })).toEqual([]);
  });

  it.each<[Partial<PreprocessingConfigInput>, string, RegExp]>([
    [{ resolution_from: 1800 }, 'resolution_to', /needed together with resolution_from/],
    [{ resolution_to: 500 }, 'resolution_from', /needed together with resolution_to/],
    [{ resolution_from: 500, resolution_to: 1800 }, 'resolution_to', /below resolution_from/],
    [{ resolution_from: 500, resolution_to: 500 }, 'resolution_to', /below resolution_from/],
    [{ smoothing_sigma: 2, resolution_from: 1800, resolution_to: 500 }, 'smoothing_sigma', /either this/],
    [{ smoothing_sigma: 0 }, 'smoothing_sigma', /./],
    [{ wave_end_point: 6000 }, 'wave_end_point', /above wave_start_point/],
    [{ scaling: 'continuum', wave_point_count: 5 }, 'scaling', /at least 20 points/],
    [{ required_ranges: [[6580, 6550]] }, 'required_ranges[0]', /rise/],
  ])('refuses %j at its field', (options, path, message) => {
    expect(problems(options)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});
