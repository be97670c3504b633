import { readFile } from 'node:fs/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { forgeErrors } from '../errors.ts';

/** A pull request as its file holds it, `<number>.json`. */
const recordSchema = z.object({
  version: z.literal(1),
  key: z.string(),
  number: z.int().positive(),
  url: z.string(),
  branch: z.string(),
  base: z.string(),
  title: z.string(),
  body: z.string(),
  draft: z.boolean(),
  state: z.enum(['open', 'merged', 'closed']),
  created_at: z.string(),
  base_oid: z.string(),
  head_oid: z.string(),
  merge_oid: z.string().nullable(),
});
export type PullRequestRecord = z.infer<typeof recordSchema>;

/** Reads a record. Error: `AC_FORGE_RECORD_INVALID`, also for the version of a later product. */
export async function readRecord(file: string): Promise<Result<PullRequestRecord>> {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? success(parsed.data) : failure(forgeErrors.AC_FORGE_RECORD_INVALID({ file }, parsed.error));
  } catch (cause) {
    return failure(forgeErrors.AC_FORGE_RECORD_INVALID({ file }, cause));
  }
}
