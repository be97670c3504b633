import type { Dialect } from './dialect.ts';

/** The wire formats that are served. */
export const dialects: readonly Dialect[] = [];
