import { success, type Result } from '@agentcompany/protocol';
import { instanceId, type CompanyHome } from '../../company-home.ts';
import type { RunView } from '../../company/view.ts';
import { agentsRepository } from '../../containers/agents-image/build-agents-image.ts';
import type { ContainerEngine, ListedImage } from '../../containers/container-engine.ts';
import { engineRepository } from '../../containers/dind/build-engine-image.ts';
import { devcontainerRepository } from '../../containers/devcontainer/build-devcontainer.ts';
import { madeImages } from '../../made-images.ts';
import { readAgentsImage } from '../../open-agents-image.ts';
import { readEngineImage } from '../../open-dind.ts';
import { openEngine, workerImage, type EngineChoice } from '../../open-workers.ts';
import { listProjects } from '../../projects.ts';

export interface ImagesOptions extends EngineChoice {
  /** Folder of the product. */
  readonly installation: string;
}

/** Who needs images: the projects of a home and its runs that have not ended. */
export interface ImageUsage {
  readonly home: CompanyHome;
  readonly openRuns: readonly RunView[];
}

/** One image of this installation, this home, or named by one of its projects. */
export interface ImageReport {
  readonly purpose: 'worker' | 'agents' | 'engine' | 'devcontainer' | 'project';
  /** `sha256:…`: what containers are made from; `''` of a name that the engine does not know. */
  readonly id: string;
  readonly references: readonly string[];
  /** Version by agent. */
  readonly agents: Readonly<Record<string, string>>;
  /**
   * `outdated`: the worker image it stands on is not the present one; `missing`: the engine does not have it; `unused`: `prune` removes it;
   * `foreign`: it is called like ours, and was not made by this installation.
   */
  readonly state: 'ready' | 'outdated' | 'missing' | 'unused' | 'foreign';
  /** All its layers together; null of a missing one. */
  readonly bytes: number | null;
  /** ISO 8601; null of a missing one. */
  readonly created_at: string | null;
  /** `project x`, `run 0198…`. */
  readonly used_by: readonly string[];
}

const workerRepository = 'agentcompany-worker';
export const ownRepositories: readonly string[] = [
  workerRepository,
  agentsRepository,
  engineRepository,
  devcontainerRepository,
];

/**
 * The images workers are made from, and those that could go. Without `usage` only what belongs to the installation is known.
 * Errors: those of the engine; `AC_IMAGE_NOT_BUILT`.
 */
export async function listImages(
  { installation, ...choice }: ImagesOptions,
  usage: ImageUsage | null = null,
): Promise<Result<readonly ImageReport[]>> {
  const worker = await workerImage({ installation, ...choice });
  if (!worker.ok) return worker;
  const engine = await openEngine(choice);
  if (!engine.ok) return engine;
  const listed = await engine.value.imageList(ownRepositories);
  if (!listed.ok) return listed;
  const present = await currentImages(engine.value, installation, worker.value, listed.value);
  if (!present.ok) return present;
  const named = usage === null ? success([]) : await namedImages(engine.value, usage);
  if (!named.ok) return named;
  const current = new Set(present.value.map(({ id }) => id));
  const made = new Set((await madeImages(installation)).map(({ reference, id }) => `${reference} ${id}`));
  const others = listed.value
    .filter(({ id }) => !current.has(id))
    .flatMap((image) => otherImage(image, made, usage) ?? []);
  return success([...present.value, ...others, ...named.value]);
}

async function currentImages(
  engine: ContainerEngine,
  installation: string,
  worker: string,
  listed: readonly ListedImage[],
): Promise<Result<readonly ImageReport[]>> {
  const agents = await readAgentsImage(installation);
  const inner = await readEngineImage(installation);
  const images = [
    { purpose: 'worker' as const, id: worker, agents: {} },
    ...(agents === null ? [] : [{ purpose: 'agents' as const, id: agents.id, agents: agents.agents }]),
    ...(inner === null ? [] : [{ purpose: 'engine' as const, id: inner.id, agents: {} }]),
  ];
  const reports: ImageReport[] = [];
  for (const image of images) {
    const found = await engine.imageInspect(image.id);
    if (!found.ok && found.error.code !== 'AC_IMAGE_UNKNOWN') return found;
    const isOutdated = image.purpose === 'agents' && agents?.base !== worker;
    const entry = listed.find(({ id }) => id === image.id);
    const state = found.ok ? (isOutdated ? 'outdated' : 'ready') : 'missing';
    reports.push({ ...image, ...factsOf(entry), state, used_by: [] });
  }
  return success(reports);
}

type Facts = Pick<ImageReport, 'references' | 'bytes' | 'created_at'>;

function factsOf(image: ListedImage | undefined): Facts {
  if (image === undefined) return { references: [], bytes: null, created_at: null };
  const { references, bytes, createdAt } = image;
  return { references, bytes, created_at: new Date(createdAt).toISOString() };
}

/** One that is called like ours and is not in present use; null of another home's devcontainer: that is not this one's to speak of. */
function otherImage(image: ListedImage, made: ReadonlySet<string>, usage: ImageUsage | null): ImageReport | null {
  const [reference = ''] = image.references;
  const report = { id: image.id, agents: {}, ...factsOf(image) };
  if (reference.startsWith(`${devcontainerRepository}:`)) {
    if (usage === null || !isOfHome(reference, usage.home)) return null;
    const used = runsOf(image.id, usage);
    return { ...report, purpose: 'devcontainer', state: used.length > 0 ? 'ready' : 'unused', used_by: used };
  }
  const purpose = purposeOf(reference);
  const isOurs = image.references.every((name) => made.has(`${name} ${image.id}`));
  const used = usage === null ? [] : runsOf(image.id, usage);
  return { ...report, purpose, state: isOurs ? (used.length > 0 ? 'ready' : 'unused') : 'foreign', used_by: used };
}

function purposeOf(reference: string): 'worker' | 'agents' | 'engine' {
  if (reference.startsWith(`${workerRepository}:`)) return 'worker';
  return reference.startsWith(`${engineRepository}:`) ? 'engine' : 'agents';
}

/** Whether a tag names exactly this home as its owner. */
function isOfHome(reference: string, home: CompanyHome): boolean {
  const instance = instanceId(home);
  return instance.ok && reference.startsWith(`${devcontainerRepository}:${instance.value}.`);
}

function runsOf(id: string, { openRuns }: ImageUsage): readonly string[] {
  return openRuns
    .filter(({ images }) => images.some((image) => image.id === id))
    .map(({ run_id: run }) => `run ${run.slice(0, 18)}`);
}

/** What projects name, by the ids that the names stand for now, and what open runs keep to. */
async function namedImages(engine: ContainerEngine, usage: ImageUsage): Promise<Result<readonly ImageReport[]>> {
  const projects = listProjects(usage.home);
  if (!projects.ok) return projects;
  const names = new Map<string, string[]>();
  for (const { id, image } of projects.value)
    if (image !== undefined) names.set(image, [...(names.get(image) ?? []), `project ${id}`]);
  const reports: ImageReport[] = [];
  for (const [reference, users] of names) {
    const found = await engine.imageInspect(reference);
    if (!found.ok && found.error.code !== 'AC_IMAGE_UNKNOWN') return found;
    const id = found.ok ? found.value.id : '';
    reports.push({
      purpose: 'project',
      id,
      references: [reference],
      agents: {},
      state: found.ok ? 'ready' : 'missing',
      bytes: found.ok ? found.value.bytes : null,
      created_at: null,
      used_by: [...users, ...(found.ok ? runsOf(id, usage) : [])],
    });
  }
  return success(reports);
}
