import { beforeEach, describe, expect, it } from 'vitest';
import { rememberUnsent, takeInterrupted } from './interrupted-uploads.ts';

const kept = new Map<string, string>();
const storage: Storage = {
  length: 0,
  key: () => null,
  clear: () => kept.clear(),
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
};
beforeEach(() => kept.clear());

describe('interrupted uploads', () => {
  it('are told once', () => {
    rememberUnsent([{ into: '/SPECTRA/M31', count: 57 }], storage);
    expect(takeInterrupted(storage)).toEqual([{ into: '/SPECTRA/M31', count: 57 }]);
    expect(takeInterrupted(storage)).toEqual([]);
  });
  it('are forgotten once all is sent', () => {
    rememberUnsent([{ into: '/', count: 1 }], storage);
    rememberUnsent([], storage);
    expect(takeInterrupted(storage)).toEqual([]);
  });
  it('of another version are left', () => {
    storage.setItem('spectrolabe.uploads', '{"files": 3}');
    expect(takeInterrupted(storage)).toEqual([]);
  });
});
