import { expect, it } from 'vitest';
import { storableText } from './text.ts';

it('replaces only what PostgreSQL refuses', () => {
  expect(storableText('a\u0000b\ud800c 😀 Å')).toBe('a\ufffdb\ufffdc 😀 Å');
});
