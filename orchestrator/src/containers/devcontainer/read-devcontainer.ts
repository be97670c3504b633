import { posix } from 'node:path';
import { failure, firstProblem, success, type Result } from '@agentcompany/protocol';
import { parse, type ParseError } from 'jsonc-parser';
import { z } from 'zod';
import { devcontainerErrors } from './errors.ts';

/** Where a repository may describe its container, in the order of containers.dev; folders below `.devcontainer` are not looked into. */
export const devcontainerFiles: readonly string[] = ['.devcontainer/devcontainer.json', '.devcontainer.json'];

/** Text that means itself: `${localEnv:HOME}` and its kind would bring this machine's environment into an image. */
const plain = z
  .string()
  .max(4096)
  .regex(/^[^\p{Cc}]*$/u, 'a line of text is expected')
  .refine((text) => !text.includes('${'), 'variables are not replaced');
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'letters, digits and _ are expected');

const schema = z.looseObject({
  image: plain.min(1).max(512).optional(),
  build: z
    .looseObject({
      dockerfile: plain.optional(),
      context: plain.default('.'),
      args: z.record(name, plain).default({}),
      target: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/)
        .optional(),
    })
    .optional(),
  containerEnv: z.record(name, plain).default({}),
});

/** What a devcontainer.json asks for, as far as it is done. Paths are of the repository. */
export interface Devcontainer {
  readonly base:
    | { readonly kind: 'image'; readonly reference: string }
    | {
        readonly kind: 'dockerfile';
        readonly dockerfile: string;
        readonly context: string;
        readonly args: Readonly<Record<string, string>>;
        readonly target: string | null;
      };
  readonly environment: Readonly<Record<string, string>>;
  /** Names of settings that are not done: nobody is to believe they were. */
  readonly ignored: readonly string[];
}

/** Settings that say nothing of the container, or that mean what is done anyway. */
const silent: ReadonlySet<string> = new Set(['$schema', 'name', 'image', 'build', 'containerEnv', 'customizations']);
const silentOfBuild: ReadonlySet<string> = new Set(['dockerfile', 'context', 'args', 'target']);

/**
 * Reads the text of the devcontainer.json at `file`, JSON with comments. It comes from the repository and is believed in nothing.
 * Error: `AC_DEVCONTAINER_INVALID`.
 */
export function readDevcontainer(file: string, text: string): Result<Devcontainer> {
  const invalid = (problem: string): Result<never> =>
    failure(devcontainerErrors.AC_DEVCONTAINER_INVALID({ file, problem }));
  const problems: ParseError[] = [];
  const value: unknown = parse(text, problems, { allowTrailingComma: true });
  if (problems.length > 0) return invalid(`it is not JSON with comments at character ${problems[0]?.offset ?? 0}`);
  const parsed = schema.safeParse(value);
  if (!parsed.success) return invalid(firstProblem(parsed.error));
  const { image, build, containerEnv } = parsed.data;
  if (Object.hasOwn(parsed.data, 'dockerComposeFile')) return invalid('dockerComposeFile is not supported');
  if (image !== undefined && build !== undefined) return invalid('both image and build are given');
  const ignored = [
    ...Object.keys(parsed.data).filter((key) => !silent.has(key)),
    ...Object.keys(build ?? {})
      .filter((key) => !silentOfBuild.has(key))
      .map((key) => `build.${key}`),
  ];
  const rest = { environment: containerEnv, ignored };
  if (image !== undefined) return success({ base: { kind: 'image', reference: image }, ...rest });
  if (build?.dockerfile === undefined) return invalid('neither image nor build.dockerfile is given');
  const folder = posix.dirname(file);
  const [dockerfile, context] = [build.dockerfile, build.context].map((path) => inRepository(folder, path));
  if (dockerfile === undefined || dockerfile === null || dockerfile === '')
    return invalid('build.dockerfile is not a file of the repository');
  if (context === undefined || context === null) return invalid('build.context is not a folder of the repository');
  const { args, target = null } = build;
  return success({ base: { kind: 'dockerfile', dockerfile, context, args, target }, ...rest });
}

/** `path` as seen from the top of the repository, `''` for the top itself; null where it leads out of it. */
function inRepository(folder: string, path: string): string | null {
  if (path.startsWith('/') || path.includes('\\')) return null;
  const joined = posix.join(folder, path).replace(/\/$/, '');
  if (joined === '..' || joined.startsWith('../')) return null;
  return joined === '.' ? '' : joined;
}
