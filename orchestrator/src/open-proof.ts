import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { escapeAttempts, failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import type { ContainerEngine } from './containers/container-engine.ts';
import { containerErrors } from './containers/errors.ts';
import type { RuntimeProof } from './containers/escape/prove-runtime.ts';
import type { WorkerLimits } from './containers/worker-container.ts';
import { replaceFile } from './durable-file.ts';
import type { Log } from './engine/log.ts';
import { workerLimits } from './engine/worker-limits.ts';
import { openBareRepository } from './git/bare-repository.ts';
import { writeBotCommit } from './git/bot-commit.ts';
import { createGitRunner, outputText } from './git/runner.ts';
import { stateFolder, type CompanyHome } from './company-home.ts';
import { openEngine, openWorkers, workerImage, type OpenWorkersOptions } from './open-workers.ts';

/** Where a proof may work and be remembered. */
export interface ProofPlace {
  /** A folder from which every runtime can mount: that of the mirrors. */
  readonly mirrorsFolder: string;
  readonly recordFile: string;
}

/** In a company home; a worker host elsewhere has its own. */
export function homeProofPlace(home: CompanyHome): ProofPlace {
  return { mirrorsFolder: home.mirrorsFolder, recordFile: join(stateFolder(home), 'runtime-proof.json') };
}

export interface ProofRequest {
  readonly workers: Omit<OpenWorkersOptions, 'onDurableStep' | 'say'>;
  readonly place: ProofPlace;
  readonly signal?: AbortSignal;
}

const scratchName = /^\.proof-(\d+)-/;
const remembered = 20;
/** Enough for any machine that runs workers at all: what is proven does not depend on them. */
const proofLimits = workerLimits({ worker_memory_bytes: 1024 ** 3, worker_cpus: 1 });

const recordSchema = z.object({
  version: z.literal(1),
  proofs: z.array(z.object({ identity: z.string(), proven_at: z.string(), untried: z.array(z.string()) })),
});
type Proofs = z.infer<typeof recordSchema>['proofs'];

/**
 * Starts one real worker and has it try to get out. What it found is a value, escapes included; `checkFindings` judges.
 * Errors: those of the engine, of `WorkerRunner` and of git, `AC_WORKER_UNPROVEN`.
 */
export async function proveWorkers(
  { workers, place, signal }: ProofRequest,
  limits: WorkerLimits = proofLimits,
): Promise<Result<RuntimeProof>> {
  const runner = await openWorkers({ ...workers, onDurableStep: () => undefined, say: () => undefined });
  if (!runner.ok) return runner;
  const { proveRuntime } = await import('./containers/escape/prove-runtime.ts');
  try {
    return await inScratch(place, async (folder) => {
      const mirrorFolder = join(folder, 'mirror.git');
      const baseOid = await makeMirror(mirrorFolder);
      if (!baseOid.ok) return baseOid;
      const options = { runner: runner.value, instance: workers.instance, folder, mirrorFolder, limits };
      return proveRuntime({ ...options, baseOid: baseOid.value, ...(signal === undefined ? {} : { signal }) });
    });
  } finally {
    await runner.value.close();
  }
}

/**
 * Before the first task: sees to it that nobody gets out of a worker of this engine, image and form of container. Done once for each, and
 * remembered durably: what was proven on this kernel by this version of the product is not proven again. What could not be tried is told,
 * not passed over. Errors: those of `proveWorkers`, `AC_WORKER_ESCAPED`.
 */
export async function requireProof(request: ProofRequest, tell: Log): Promise<Result<undefined>> {
  const { recordFile } = request.place;
  const identity = await identityOf(request.workers);
  if (!identity.ok) return identity;
  if (readProofs(recordFile).some((proof) => proof.identity === identity.value)) return success();
  const begun = performance.now();
  const proof = await proveWorkers(request);
  if (!proof.ok) return proof;
  const { checkFindings } = await import('./containers/escape/prove-runtime.ts');
  const checked = checkFindings(proof.value.findings);
  if (!checked.ok) return checked;
  const recorded = remember(recordFile, identity.value, proof.value);
  if (!recorded.ok) return recorded;
  tell('runtime-proven', { found: checked.value, milliseconds: Math.round(performance.now() - begun) });
  return success();
}

/** Remembers a proof that was made for a person who asked, so that the first task need not wait for another. */
export async function rememberProof({ workers, place }: ProofRequest, proof: RuntimeProof): Promise<Result<undefined>> {
  const identity = await identityOf(workers);
  return identity.ok ? remember(place.recordFile, identity.value, proof) : identity;
}

/** All that what was proven depends on: engine, kernel, image, the form of the container, the attempts made. */
async function identityOf(options: Omit<OpenWorkersOptions, 'onDurableStep' | 'say'>): Promise<Result<string>> {
  const engine = await openEngine(options);
  if (!engine.ok) return engine;
  const image = await workerImage(options);
  if (!image.ok) return image;
  const described = await describe(engine.value);
  if (!described.ok) return described;
  const attempts = escapeAttempts.map(({ id }) => id);
  const accepted = options.config.accept_no_limits;
  const all = JSON.stringify([described.value, release(), image.value, attempts, accepted]);
  return success(createHash('sha256').update(all).digest('hex'));
}

async function describe(engine: ContainerEngine): Promise<Result<unknown>> {
  const info = await engine.info();
  if (!info.ok) return info;
  const version = await engine.version();
  if (!version.ok) return version;
  const { createBody, engineFeatures } = await import('./containers/create-body.ts');
  const nothing = '/nowhere';
  const owner = { instance: '', run: '', task: '', attempt: '', epoch: 0 };
  const folders = { mirrorFolder: nothing, runtimeFolder: nothing, caches: [], workspaceVolume: null };
  const container = { owner, imageId: '', ...folders, limits: proofLimits };
  return success([info.value, version.value, createBody(container, engineFeatures(info.value))]);
}

/** A record that cannot be read is no proof: the next one replaces it. */
function readProofs(file: string): Proofs {
  try {
    const read = recordSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return read.success ? read.data.proofs : [];
  } catch {
    return [];
  }
}

function remember(file: string, identity: string, { findings }: RuntimeProof): Result<undefined> {
  const untried = findings.filter(({ outcome }) => outcome === 'untried').map(({ id }) => id);
  const others = readProofs(file).filter((entry) => entry.identity !== identity);
  const proofs = [...others.slice(1 - remembered), { identity, proven_at: new Date().toISOString(), untried }];
  try {
    replaceFile(file, `${JSON.stringify({ version: 1, proofs }, null, 2)}\n`);
    return success();
  } catch (cause) {
    return failure(containerErrors.AC_RESULT_STORE({ file }, cause));
  }
}

/** A folder of its own for the time of `use`. What a killed process left of one is removed first. */
async function inScratch<Value>(
  { mirrorsFolder }: ProofPlace,
  use: (folder: string) => Promise<Result<Value>>,
): Promise<Result<Value>> {
  for (const name of await readdir(mirrorsFolder)) {
    const owner = scratchName.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      await rm(join(mirrorsFolder, name), { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(mirrorsFolder, `.proof-${process.pid}-`));
  try {
    // The worker's user has to pass through it.
    await chmod(folder, 0o711);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A mirror with one commit that holds nothing; gives its object name. */
async function makeMirror(folder: string): Promise<Result<string>> {
  const repository = { folder, run: createGitRunner() };
  const opened = await openBareRepository(repository, { worldReadable: true });
  if (!opened.ok) return opened;
  const tree = await repository.run({ arguments: ['mktree'], gitDir: folder, input: '' });
  if (!tree.ok) return tree;
  const commit = { tree: outputText(tree.value), parents: [], message: 'Nothing\n', seconds: 0 };
  return writeBotCommit(repository, commit);
}
