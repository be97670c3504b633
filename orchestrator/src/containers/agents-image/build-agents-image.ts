import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import type { ContainerEngine } from '../container-engine.ts';
import { checkImage } from '../image-policy.ts';
import { agentImageErrors } from './errors.ts';
import type { CodeAgent, Processor } from './agent-packages.ts';
import { buildContext, dockerfile, type InstalledAgent } from './image-context.ts';
import { installAgent, type InstallOptions } from './install-packages.ts';

/** The repository of every image with code agents. */
export const agentsRepository = 'agentcompany-agents';

/** An image with code agents as it is kept on record. */
export interface AgentsImage {
  readonly reference: string;
  /** `sha256:…`: what workers are made from. */
  readonly id: string;
  /** Id of the worker image it stands on. */
  readonly base: string;
  /** Version of each agent in it. */
  readonly agents: Readonly<Partial<Record<CodeAgent, string>>>;
}

export interface BuildOptions extends Omit<InstallOptions, 'processor'> {
  readonly engine: ContainerEngine;
  /** Id of the worker image. */
  readonly baseId: string;
  readonly say: (line: string) => void;
}

const processors: Readonly<Record<string, Processor>> = { amd64: 'x64', arm64: 'arm64' };

/**
 * Makes the image with these agents on top of the worker image, or finds it made. It passes the policy of every worker image (S13).
 * Errors: `AC_IMAGE_PROCESSOR`, `AC_IMAGE_AGENT_INSTALL`, `AC_IMAGE_AGENT_UNPINNED`, `AC_IMAGE_BUILD_FAILED`, `AC_IMAGE_REFUSED`, those of the engine.
 */
export async function buildAgentsImage(
  agents: readonly CodeAgent[],
  options: BuildOptions,
): Promise<Result<AgentsImage>> {
  const base = await options.engine.imageInspect(options.baseId);
  if (!base.ok) return base;
  const processor = processors[base.value.architecture];
  if (processor === undefined)
    return failure(agentImageErrors.AC_IMAGE_PROCESSOR({ processor: base.value.architecture }));
  const installed: InstalledAgent[] = [];
  for (const agent of agents) {
    options.say(`Installing ${agent}`);
    const folder = await installAgent(agent, { ...options, processor });
    if (!folder.ok) return folder;
    installed.push({ agent, folder: folder.value, version: await pinnedVersion(options.recipes, agent) });
  }
  const reference = `${agentsRepository}:${digestOf(options.baseId, installed)}`;
  const made = await options.engine.imageInspect(reference);
  if (!made.ok) {
    const built = await build(reference, installed, processor, options);
    if (!built.ok) return built;
  }
  const image = await options.engine.imageInspect(reference);
  if (!image.ok) return image;
  const checked = checkImage(reference, image.value);
  if (!checked.ok) return checked;
  const versions = Object.fromEntries(installed.map(({ agent, version }) => [agent, version]));
  return success({ reference, id: image.value.id, base: options.baseId, agents: versions });
}

async function build(
  reference: string,
  installed: readonly InstalledAgent[],
  processor: Processor,
  { engine, baseId, cache, say }: BuildOptions,
): Promise<Result<undefined>> {
  say(`Building the image ${reference}`);
  await mkdir(cache, { recursive: true });
  const room = await mkdtemp(path.join(cache, 'context-'));
  try {
    const context = await buildContext(room, baseId, installed, processor);
    const built = await engine.imageBuild(context, { tag: reference, onLine: say });
    context.destroy();
    return built.ok ? success() : failure(agentImageErrors.AC_IMAGE_BUILD_FAILED({}, built.error));
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

function digestOf(baseId: string, installed: readonly InstalledAgent[]): string {
  return createHash('sha256').update(dockerfile(baseId, installed)).digest('hex').slice(0, 16);
}

const manifest = z.object({ dependencies: z.record(z.string(), z.string()) });

/** The one exact version that the recipe of an agent names. */
async function pinnedVersion(recipes: string, agent: CodeAgent): Promise<string> {
  const text = await readFile(path.join(recipes, agent, 'package.json'), 'utf8');
  return Object.values(manifest.parse(JSON.parse(text)).dependencies)[0] ?? '';
}
