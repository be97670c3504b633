import { glob, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { AppError } from '../../agent-bus/protocol/src/app-error.ts';
import { toolErrors } from '../errors.ts';

const mutation = z.strictObject({
  /** Path relative to the repository root. */
  file: z.string().min(1),
  /** A text that occurs exactly once in the file. */
  find: z.string().min(1),
  /** What takes its place, such that the row no longer holds. */
  replace: z.string(),
});
export type Mutation = z.infer<typeof mutation>;

/** The ids of rows, as they stand in test names: a letter and a number. */
const rowId = z.string().regex(/^[A-Z]\d{1,3}$/);

const requirementSchema = z.strictObject({
  row: rowId,
  text: z.string().min(1),
  mutation: z.union([mutation.transform((only) => [only]), z.array(mutation).nonempty()]),
});
/** A row that is claimed to hold: `requirements/<row>.json`. Its mutations are what its tests must notice. */
export type Requirement = z.infer<typeof requirementSchema>;

function parse(file: string, text: string): Requirement | AppError {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return toolErrors.AC_REQUIREMENT_INVALID({ file, problem: 'not JSON' }, error);
  }
  const parsed = requirementSchema.safeParse(value);
  if (!parsed.success) return toolErrors.AC_REQUIREMENT_INVALID({ file, problem: z.prettifyError(parsed.error) });
  if (`${parsed.data.row}.json` !== basename(file)) {
    return toolErrors.AC_REQUIREMENT_INVALID({ file, problem: `holds row ${parsed.data.row}` });
  }
  return parsed.data;
}

/** Every row of `requirements/`, by letter and number, and an error for each file that is not one. */
export async function readRequirements(
  root: string,
): Promise<{ readonly requirements: readonly Requirement[]; readonly errors: readonly AppError[] }> {
  const files: string[] = [];
  for await (const file of glob('requirements/*.json', { cwd: root })) files.push(file);
  files.sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
  const requirements: Requirement[] = [];
  const errors: AppError[] = [];
  for (const file of files) {
    const parsed = parse(file, await readFile(join(root, file), 'utf8'));
    if ('code' in parsed) errors.push(parsed);
    else requirements.push(parsed);
  }
  return { requirements, errors };
}
