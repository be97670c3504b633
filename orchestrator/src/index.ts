export type * from './company-facade.ts';
export type { StreamEntry } from '@agentcompany/agent-bus';
