import { existsSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { codeAgents, type CodeAgent } from '../containers/agents-image/agent-packages.ts';
import { buildAgentsImage } from '../containers/agents-image/build-agents-image.ts';
import { agentImageErrors } from '../containers/agents-image/errors.ts';
import { readAgentsImage, recordAgentsImage } from '../open-agents-image.ts';
import { openEngine, workerImage, type EngineChoice } from '../open-workers.ts';

export interface ImagesOptions extends EngineChoice {
  /** Folder of the product. */
  readonly installation: string;
}

/** One image of this installation. */
export interface ImageReport {
  readonly purpose: 'worker' | 'agents';
  /** `sha256:…`: what containers are made from. */
  readonly id: string;
  /** Version by agent. */
  readonly agents: Readonly<Record<string, string>>;
  /** `outdated`: the worker image it stands on is not the present one; `missing`: the engine does not have it. */
  readonly state: 'ready' | 'outdated' | 'missing';
}

/** The images workers are made from. Errors: those of the engine; `AC_IMAGE_NOT_BUILT`. */
export async function listImages({ installation, ...choice }: ImagesOptions): Promise<Result<readonly ImageReport[]>> {
  const worker = await workerImage({ installation, ...choice });
  if (!worker.ok) return worker;
  const engine = await openEngine(choice);
  if (!engine.ok) return engine;
  const agents = await readAgentsImage(installation);
  const images: readonly Omit<ImageReport, 'state'>[] = [
    { purpose: 'worker', id: worker.value, agents: {} },
    ...(agents === null ? [] : [{ purpose: 'agents' as const, id: agents.id, agents: agents.agents }]),
  ];
  const reports: ImageReport[] = [];
  for (const image of images) {
    const found = await engine.value.imageInspect(image.id);
    if (!found.ok && found.error.code !== 'AC_IMAGE_UNKNOWN') return found;
    const isOutdated = image.purpose === 'agents' && agents?.base !== worker.value;
    reports.push({ ...image, state: found.ok ? (isOutdated ? 'outdated' : 'ready') : 'missing' });
  }
  return success(reports);
}

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
  return success({ purpose: 'agents', id: built.value.id, agents: built.value.agents, state: 'ready' });
}

function isCodeAgent(name: string): name is CodeAgent {
  return codeAgents.some((agent) => agent === name);
}

/** The npm that set-up brought or that started us, else the one beside this Node, else the one on the path. */
function npmOf(installation: string, environment: EngineChoice['environment']): readonly [string, ...string[]] {
  const script = [
    path.join(installation, '.cache', 'npm', 'bin', 'npm-cli.js'),
    environment['npm_execpath'],
    path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].find((file) => file !== undefined && path.basename(file) === 'npm-cli.js' && existsSync(file));
  return script === undefined ? ['npm'] : [process.execPath, script];
}
