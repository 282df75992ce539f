import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Buffer as BrowserBuffer } from 'buffer/';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type * as ReadFile from './read-file.ts';
import { readHeaders, readSpectrum } from '../../science/spectra/read-spectrum.ts';

const SAMPLES = 'samples/spectra';
const names = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.fits/.test(name),
);
const bytesOf = (name: string) => new Uint8Array(readFileSync(join(SAMPLES, name)));

// As in the browser: the same reader with the package's Buffer in place of Node's.
let readFile: (typeof ReadFile)['readFile'];
beforeAll(async () => {
  vi.resetModules();
  vi.stubGlobal('Buffer', BrowserBuffer);
  ({ readFile } = await import('./read-file.ts'));
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe('readFile', () => {
  it('reads every sample as preprocessing does: headers, metadata, arms, bad pixels', async () => {
    expect(names.length).toBeGreaterThan(80);
    for (const name of names) {
      const { headers, spectrum } = await readFile(bytesOf(name).buffer);
      const expected = readSpectrum(bytesOf(name));
      expect(headers, name).toEqual(readHeaders(bytesOf(name)));
      if (!('arms' in spectrum)) throw new Error(`${name}: ${spectrum.unreadableReason}`);
      expect([spectrum.layout, spectrum.medium, spectrum.metadata], name).toEqual([
        expected.layout,
        expected.medium,
        expected.metadata,
      ]);
      const arms = expected.arms.map(({ name: arm, wavelengthAngstrom: wave, flux, ivar, bad }) => ({
        name: arm,
        wave,
        flux,
        ivar,
        bad,
      }));
      expect(spectrum.arms, name).toEqual(arms);
    }
  });

  it('says why a file cannot be read', async () => {
    const [name = ''] = names;
    const packed = bytesOf(name);
    await expect(readFile(packed.slice(0, 5000).buffer)).rejects.toThrow(
      'the gzip data are damaged, or end too early',
    );
    await expect(readFile(new TextEncoder().encode('hello').buffer)).rejects.toThrow('not a FITS file');
    const plain = new Uint8Array(gunzipSync(packed));
    const { headers, spectrum } = await readFile(plain.slice(0, plain.length - 20_000).buffer);
    expect(headers[0]?.cards.length).toBeGreaterThan(50);
    expect(spectrum).toEqual({ unreadableReason: expect.stringContaining('bytes, the file holds') });
  });
});
