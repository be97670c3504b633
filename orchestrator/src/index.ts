export type * from './company-facade.ts';
export { openCompany, type OpenCompanyOptions } from './open-company.ts';
