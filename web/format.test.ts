import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatFlux,
  formatPercent,
} from './format.ts';

describe('format', () => {
  it('groups thousands', () => expect(formatCount(1234567)).toBe('1,234,567'));
  it('shows a dash for what is absent and a true minus', () => {
    expect(formatFixed(undefined, 2)).toBe('–');
    expect(formatFixed(-0.5, 2)).toBe('−0.50');
    expect(formatFixed(-0.001, 2)).toBe('0.00');
  });
  it('keeps fluxes short at every magnitude', () => {
    expect(formatFlux(1234.56)).toBe('1235');
    expect(formatFlux(0)).toBe('0');
    expect(formatFlux(-1.234e-17)).toBe('−1.234e−17');
  });
  it('names sizes by the thousand', () => {
    expect(formatBytes(0)).toBe('0 B');
    expect(formatBytes(999)).toBe('999 B');
    expect(formatBytes(45951)).toBe('46.0 kB');
    expect(formatBytes(999_999)).toBe('1.0 MB');
    expect(formatBytes(5e9)).toBe('5.0 GB');
  });
  it('writes durations in two units at most', () => {
    expect(formatDuration(0.42)).toBe('0.4 s');
    expect(formatDuration(59.7)).toBe('1 min 00 s');
    expect(formatDuration(185)).toBe('3 min 05 s');
    expect(formatDuration(7620)).toBe('2 h 07 min');
    expect(formatDuration(273_600)).toBe('3 d 4 h');
  });
  it('says 100 % only when everything is done', () => {
    expect(formatPercent(0, 0)).toBe('0 %');
    expect(formatPercent(99_999, 100_000)).toBe('99 %');
    expect(formatPercent(5, 100)).toBe('5.0 %');
    expect(formatPercent(7, 7)).toBe('100 %');
  });
  it('says how long ago', () => {
    const now = Date.parse('2026-01-01T12:00:00Z');
    expect(formatAge('2026-01-01T11:59:50Z', now)).toBe('just now');
    expect(formatAge('2026-01-01T11:55:00Z', now)).toBe('5 min ago');
    expect(formatAge('2026-01-01T09:00:00Z', now)).toBe('3 h ago');
  });
});
