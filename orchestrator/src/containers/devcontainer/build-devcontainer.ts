import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import type { BuildLimits, ContainerEngine } from '../container-engine.ts';
import { containerErrors } from '../errors.ts';
import { checkImage } from '../image-policy.ts';
import { packContext, withoutIgnored, type ContextFile } from './build-context.ts';
import { readDockerfile, writeDockerfile, type Recipe } from './dockerfile.ts';
import { devcontainerErrors } from './errors.ts';
import { devcontainerFiles, readDevcontainer, type Devcontainer } from './read-devcontainer.ts';

/** The repository of every image that is built from a devcontainer.json; tags say which home it belongs to. */
export const devcontainerRepository = 'agentcompany-devcontainer';

/** A repository at one commit, read as data. */
export interface CommitFiles {
  /** Null where there is no such text of at most 1 MiB. */
  text(path: string): Promise<Result<string | null>>;
  list(folder: string): Promise<Result<readonly ContextFile[]>>;
  /** By object name. Errors: `AC_TREE_TOO_LARGE`, those of git. */
  contents(files: readonly ContextFile[]): Promise<Result<ReadonlyMap<string, Buffer>>>;
}

export interface DevcontainerOptions {
  readonly engine: ContainerEngine;
  /** The uuid of the home: in every tag, so that an image says whose it is. */
  readonly instance: string;
  readonly commit: string;
  readonly files: CommitFiles;
  readonly limits: BuildLimits;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Larger images are not kept. */
const mostBytes = 20_000_000_000;

/**
 * The image that the repository's devcontainer.json describes at a commit: found, or built without network and from nothing that is not
 * on this machine. Returns its id. What of the file is not done is said. Errors: `AC_DEVCONTAINER_…`, `AC_IMAGE_UNAVAILABLE` (its base),
 * `AC_IMAGE_REFUSED`, `AC_TREE_TOO_LARGE`, those of git and of the engine.
 */
export async function buildDevcontainer(options: DevcontainerOptions): Promise<Result<string>> {
  const found = await findDescription(options);
  if (!found.ok) return found;
  const { file, devcontainer } = found.value;
  const { base, environment, ignored } = devcontainer;
  if (ignored.length > 0) options.say(`Not done of ${file}: ${ignored.map((name) => name.slice(0, 60)).join(', ')}`);
  if (base.kind === 'image') {
    const image = await resolveBase(options.engine, base.reference);
    if (!image.ok || Object.keys(environment).length === 0) return image;
    const ids = new Map([[base.reference, image.value]]);
    const recipe: Recipe = {
      stages: [{ from: { kind: 'image', name: base.reference }, name: null, instructions: [] }],
    };
    return build(file, writeDockerfile(recipe, ids, environment), [], new Map(), options);
  }
  return fromDockerfile(base, environment, options);
}

async function findDescription({
  files,
  commit,
}: DevcontainerOptions): Promise<Result<{ readonly file: string; readonly devcontainer: Devcontainer }>> {
  for (const file of devcontainerFiles) {
    const text = await files.text(file);
    if (!text.ok) return text;
    if (text.value === null) continue;
    const read = readDevcontainer(file, text.value);
    return read.ok ? success({ file, devcontainer: read.value }) : read;
  }
  const names = devcontainerFiles.join(' or ');
  return failure(devcontainerErrors.AC_DEVCONTAINER_ABSENT({ files: names, commit: commit.slice(0, 12) }));
}

async function fromDockerfile(
  base: Extract<Devcontainer['base'], { kind: 'dockerfile' }>,
  environment: Readonly<Record<string, string>>,
  options: DevcontainerOptions,
): Promise<Result<string>> {
  const { engine, files } = options;
  const text = await files.text(base.dockerfile);
  if (!text.ok) return text;
  if (text.value === null) {
    const problem = 'it is no text of the repository';
    return failure(devcontainerErrors.AC_DEVCONTAINER_INVALID({ file: base.dockerfile, problem }));
  }
  const recipe = readDockerfile(base.dockerfile, text.value, base);
  if (!recipe.ok) return recipe;
  const ids = await resolveBases(engine, recipe.value);
  if (!ids.ok) return ids;
  const listed = await files.list(base.context);
  if (!listed.ok) return listed;
  const ignoreFile = posix.join(base.context, '.dockerignore');
  const ignore = await files.text(ignoreFile);
  if (!ignore.ok) return ignore;
  const kept = withoutIgnored(ignoreFile, ignore.value ?? '', listed.value);
  if (!kept.ok) return kept;
  const contents = await files.contents(kept.value);
  if (!contents.ok) return contents;
  const dockerfile = writeDockerfile(recipe.value, ids.value, environment);
  return build(base.dockerfile, dockerfile, kept.value, contents.value, options);
}

/** Ids of all images that stages stand on: nothing is left for the engine to look for elsewhere. */
async function resolveBases(engine: ContainerEngine, { stages }: Recipe): Promise<Result<ReadonlyMap<string, string>>> {
  const ids = new Map<string, string>();
  for (const { from } of stages) {
    if (from.kind === 'stage' || from.name === 'scratch' || ids.has(from.name)) continue;
    const image = await resolveBase(engine, from.name);
    if (!image.ok) return image;
    ids.set(from.name, image.value);
  }
  return success(ids);
}

/** What is inherited from a base, such as ONBUILD, would be obeyed by the engine: bases are held to the same policy as what is made of them. */
async function resolveBase(engine: ContainerEngine, reference: string): Promise<Result<string>> {
  const image = await engine.imageInspect(reference);
  if (!image.ok)
    return image.error.code === 'AC_IMAGE_UNKNOWN'
      ? failure(containerErrors.AC_IMAGE_UNAVAILABLE({ image: reference }, image.error))
      : image;
  const checked = checkImage(reference, image.value);
  return checked.ok ? success(image.value.id) : checked;
}

async function build(
  file: string,
  dockerfile: string,
  files: readonly ContextFile[],
  contents: ReadonlyMap<string, Buffer>,
  { engine, instance, limits, say, signal }: DevcontainerOptions,
): Promise<Result<string>> {
  const recipe = createHash('sha256').update(dockerfile);
  for (const { path, mode, oid } of files) recipe.update(`\0${mode} ${oid} ${path}`);
  const tag = `${devcontainerRepository}:${instance}.${recipe.digest('hex').slice(0, 24)}`;
  const made = await engine.imageInspect(tag);
  if (made.ok) return success(made.value.id);
  if (made.error.code !== 'AC_IMAGE_UNKNOWN') return made;
  say(`Building the image that ${file} describes`);
  const built = await engine.imageBuild(packContext(dockerfile, files, contents), { tag, onLine: say, limits, signal });
  if (!built.ok)
    return built.error.code === 'AC_ENGINE_FAILED'
      ? failure(devcontainerErrors.AC_DEVCONTAINER_BUILD({ file }, built.error.cause))
      : built;
  const image = await engine.imageInspect(built.value.id);
  if (!image.ok) return image;
  const checked = checkImage(file, image.value);
  if (checked.ok && image.value.bytes <= mostBytes) return success(image.value.id);
  await engine.imageRemove(tag);
  const cause = `it has ${image.value.bytes} bytes, more than ${mostBytes}`;
  return checked.ok ? failure(devcontainerErrors.AC_DEVCONTAINER_BUILD({ file }, cause)) : checked;
}
