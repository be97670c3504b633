import { existsSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from '../../company-home.ts';
import type { Config, Environment } from '../../config.ts';
import type { ContainerEngine } from '../../containers/container-engine.ts';
import { openProjects } from '../../open-projects.ts';
import { showProject } from '../../projects.ts';
import type { ImageReport, ImagesOptions } from './list-images.ts';
import { codeAgents, type CodeAgent } from '../../containers/agents-image/agent-packages.ts';
import { buildAgentsImage } from '../../containers/agents-image/build-agents-image.ts';
import { agentImageErrors } from '../../containers/agents-image/errors.ts';
import { buildEngineImage, engineImageReference } from '../../containers/dind/build-engine-image.ts';
import { recordMadeImage } from '../../made-images.ts';
import { openDevcontainers } from '../../open-devcontainers.ts';
import { recordEngineImage } from '../../open-dind.ts';
import { readAgentsImage, recordAgentsImage } from '../../open-agents-image.ts';
import { openEngine, workerImage } from '../../open-workers.ts';

export interface BuildImageOptions extends ImagesOptions {
  /** As a person names them. */
  readonly agents: readonly string[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Puts these code agents into the image of workers that need one, beside those that are in it already. From then on every attempt of
 * such an agent uses it, unless its project names an image. Errors: `AC_IMAGE_AGENT_UNKNOWN`, those of `buildAgentsImage`, of the engine,
 * `AC_IMAGE_NOT_BUILT`.
 */
export async function buildImage(options: BuildImageOptions): Promise<Result<ImageReport>> {
  const { installation, environment, say, signal } = options;
  const unknown = options.agents.find((name) => !isCodeAgent(name));
  if (unknown !== undefined)
    return failure(agentImageErrors.AC_IMAGE_AGENT_UNKNOWN({ agent: unknown, known: codeAgents.join(', ') }));
  const worker = await workerImage(options);
  if (!worker.ok) return worker;
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const before = await readAgentsImage(installation);
  const wanted = new Set([...options.agents, ...Object.keys(before?.agents ?? {})]);
  const built = await buildAgentsImage(
    codeAgents.filter((agent) => wanted.has(agent)),
    {
      engine: engine.value,
      baseId: worker.value,
      recipes: path.join(installation, 'worker-image', 'agents'),
      cache: path.join(installation, '.cache', 'agents'),
      npm: npmOf(installation, environment),
      environment,
      say,
      signal,
    },
  );
  if (!built.ok) return built;
  recordAgentsImage(installation, built.value);
  const { id, reference, agents } = built.value;
  await recordMadeImage(installation, { reference, id });
  return reportOf(engine.value, { purpose: 'agents', id, references: [reference], agents });
}

export interface BuildInnerEngineOptions extends ImagesOptions {
  /** An image that the machine's engine has, with dockerd, containerd and runc; null: one is made of this system's packages. */
  readonly from: string | null;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes, or takes, the image of the inner engine of docker-in-docker; outer containers are made from it from then on.
 * Errors: `AC_DIND_BUILD`, `AC_IMAGE_UNKNOWN`, those of the engine.
 */
export async function buildInnerEngine(options: BuildInnerEngineOptions): Promise<Result<ImageReport>> {
  const { installation, from, say, signal, config } = options;
  // The machine's engine, whatever workers run in.
  const engine = await openEngine({ ...options, config: { ...config, container_runtime: 'dod', oci_runtime: 'runc' } });
  if (!engine.ok) return engine;
  const made =
    from === null
      ? await buildEngineImage({
          engine: engine.value,
          recipes: path.join(installation, 'worker-image', 'image'),
          cache: path.join(installation, '.cache'),
          say,
          signal,
        })
      : await engine.value.imageInspect(from);
  if (!made.ok) return made;
  const image = {
    reference: from ?? (await engineImageReference(path.join(installation, 'worker-image', 'image'))),
    id: made.value.id,
  };
  recordEngineImage(installation, image);
  if (from === null) await recordMadeImage(installation, image);
  return reportOf(engine.value, { purpose: 'engine', id: image.id, references: [image.reference], agents: {} });
}

async function reportOf(
  engine: ContainerEngine,
  image: Pick<ImageReport, 'purpose' | 'id' | 'references' | 'agents'>,
): Promise<Result<ImageReport>> {
  const found = await engine.imageInspect(image.id);
  if (!found.ok) return found;
  return success({ ...image, state: 'ready', bytes: found.value.bytes, created_at: null, used_by: [] });
}

export interface BuildProjectImageOptions extends Omit<BuildImageOptions, 'agents' | 'installation'> {
  readonly home: CompanyHome;
  readonly config: Config;
  readonly projectId: string;
}

/**
 * Builds what a project's devcontainer.json describes at the tip of its integration branch, as a run that starts now would; that a person
 * asks for it here is their word. Errors: `AC_PROJECT_UNKNOWN`, those of git and of `buildDevcontainer`.
 */
export async function buildProjectImage(options: BuildProjectImageOptions): Promise<Result<ImageReport>> {
  const { home, config, projectId, say, signal } = options;
  const project = showProject(home, projectId);
  if (!project.ok) return project;
  const instance = instanceId(home);
  if (!instance.ok) return instance;
  const parts = await openProjects(home, config).parts(projectId);
  if (!parts.ok) return parts;
  const { repositories } = parts.value;
  const fetched = await repositories.synchronize();
  if (!fetched.ok) return fetched;
  const commit = await repositories.branchTip(project.value.integration_branch);
  if (!commit.ok) return commit;
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const build = openDevcontainers({ engine: engine.value, instance: instance.value, say, signal });
  const built = await build({ mirrorFolder: repositories.mirrorFolder, commit: commit.value });
  if (!built.ok) return built;
  return reportOf(engine.value, { purpose: 'devcontainer', id: built.value, references: [], agents: {} });
}

function isCodeAgent(name: string): name is CodeAgent {
  return codeAgents.some((agent) => agent === name);
}

/** The npm that set-up brought or that started us, else the one beside this Node, else the one on the path. */
function npmOf(installation: string, environment: Environment): readonly [string, ...string[]] {
  const script = [
    path.join(installation, '.cache', 'npm', 'bin', 'npm-cli.js'),
    environment['npm_execpath'],
    path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].find((file) => file !== undefined && path.basename(file) === 'npm-cli.js' && existsSync(file));
  return script === undefined ? ['npm'] : [process.execPath, script];
}
