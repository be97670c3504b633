import { glob } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { retryAdvice } from '../../agent-bus/protocol/src/app-error.ts';

const entrySchema = z.strictObject({ message: z.string().min(1), remedy: z.string().min(1), retry: retryAdvice });
const catalogueSchema = z.object({ entries: z.record(z.string().regex(/^AC_[A-Z0-9_]+$/), entrySchema) });

/** One code of a catalogue and the file that defines it, relative to the repository root. */
export interface DocumentedError extends z.infer<typeof entrySchema> {
  readonly code: string;
  readonly file: string;
}

/** Where catalogues live: `errors.ts` of a package or of one of its areas, and of the repository's tools. */
const places = [
  '{agent-bus,orchestrator,worker-image}/**/src/**/errors.ts',
  'tools/**/src/**/errors.ts',
  'scripts/**/errors.{ts,mjs}',
];

async function catalogueFiles(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const exclude = (path: string): boolean => /(^|[\\/])(node_modules|dist)$/.test(path);
  for await (const file of glob(places, { cwd: root, exclude })) files.push(file.split(sep).join('/'));
  return files.toSorted();
}

/**
 * Every error of every catalogue (an export with `entries`), by file and then in the order in which it is written.
 * A code defined twice appears twice. Throws when a catalogue has an entry of another shape.
 */
export async function readCatalogues(root: string): Promise<readonly DocumentedError[]> {
  const errors: DocumentedError[] = [];
  for (const file of await catalogueFiles(root)) {
    const exports = (await import(pathToFileURL(join(root, file)).href)) as Record<string, unknown>;
    // Two names for one catalogue (a re-export under a shorter name) are one catalogue.
    for (const value of new Set(Object.values(exports))) {
      if (typeof value !== 'object' || value === null || !('entries' in value)) continue;
      const { entries } = catalogueSchema.parse(value);
      for (const [code, entry] of Object.entries(entries)) errors.push({ code, file, ...entry });
    }
  }
  return errors;
}
