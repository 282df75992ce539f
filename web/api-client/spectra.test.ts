import { describe, expect, it } from 'vitest';
import { decodeSpectrum, spectrumDownloadUrl } from './spectra.ts';

describe('decodeSpectrum', () => {
  it('takes wavelengths from the first half and fluxes from the second, little-endian', () => {
    const bytes = new ArrayBuffer(16);
    const view = new DataView(bytes);
    [3700, 9000, 1.5, Number.NaN].forEach((value, index) => view.setFloat32(4 * index, value, true));
    const { wave, flux } = decodeSpectrum(bytes);
    expect([...wave]).toEqual([3700, 9000]);
    expect([...flux]).toEqual([1.5, Number.NaN]);
  });
  it('refuses a length that is cut short', () => {
    expect(() => decodeSpectrum(new ArrayBuffer(12))).toThrow('12 bytes');
  });
});

it('sends a path in the archive as one segment', () => {
  expect(spectrumDownloadUrl('M31/a b.fits')).toBe('/api/spectra/M31%2Fa%20b.fits/download');
});
