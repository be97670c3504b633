import { expect, it } from 'vitest';
import { bytesText } from './bytes-text.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_949, '99.9 kB'],
  [99_951, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [280_000_000, '280 MB'],
  [12_345_678_901, '12.3 GB'],
])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));
