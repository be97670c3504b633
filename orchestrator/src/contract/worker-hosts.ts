import { z } from 'zod';

/** What passes between the engine home and worker hosts over HTTP (docs/many-machines.md). */
export const hostPaths = {
  company: '/v1/company',
  artifact: (sha256: string, attemptId: string): string => `/v1/artifacts/${sha256}?attempt=${attemptId}`,
  log: (sha256: string, runId: string, attemptId: string): string =>
    `/v1/logs/${sha256}?run=${runId}&attempt=${attemptId}`,
  model: (runId: string, attemptId: string): string => `/v1/attempts/${attemptId}/model?run=${runId}`,
  pack: (projectId: string): string => `/v1/projects/${encodeURIComponent(projectId)}/pack`,
} as const;

/** Header of a pack: the commit of the run branch it leads to. */
export const tipHeader = 'agentcompany-tip';

export const objectNamePattern = '^[0-9a-f]{40}$';
export const sha256Pattern = '^[0-9a-f]{64}$';
/** Ids of runs and attempts. */
export const idPattern = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
export const maximumHaves = 256;
/** Bytes of a worker's log: what a host stores of it, and its notice. */
export const maximumLogBytes = 9 * 1024 ** 2;

/** What a worker host takes over from the company it works for. Times in milliseconds. */
export const companyTerms = z.object({
  version: z.literal(1),
  instance_id: z.string(),
  lease_ms: z.int().min(1),
  max_deliveries: z.int().min(1),
  accept_volatile: z.boolean(),
});
export type CompanyTerms = z.infer<typeof companyTerms>;

/** A refusal (RFC 9457) with the members of an `AppError`. */
export const problemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().nullable(),
  remedy: z.string(),
  retry: z.enum(['now', 'later', 'never']),
});
export type ProblemDocument = z.infer<typeof problemDocument>;

export const problemType = 'application/problem+json';
