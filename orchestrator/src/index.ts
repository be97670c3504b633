export type * from './company-facade.ts';
