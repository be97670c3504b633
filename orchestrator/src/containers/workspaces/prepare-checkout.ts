import { failure, success, type Result } from '@agentcompany/protocol';
import { noServices } from '../../door/attempt-services.ts';
import { containerErrors } from '../errors.ts';
import { interruption } from '../interruption.ts';
import { createSealed, openWorkerDoor, type SealedWorker } from '../sealed-container.ts';
import type { WorkerLimits } from '../worker-container.ts';
import type { HelperTerms } from './mount-overlay.ts';

const mebibyte = 1_048_576;
const limits: WorkerLimits = {
  memoryBytes: 1024 * mebibyte,
  pids: 64,
  // The machine's tasks go on meanwhile, and nobody waits for this.
  cpus: 1,
  workspaceBytes: 16 * mebibyte,
  temporaryBytes: mebibyte,
};
const deadlineSeconds = 600;

export interface CheckoutRequest {
  readonly terms: HelperTerms;
  /** Absolute host folder of the worker runtime; null where images carry it. */
  readonly runtimeFolder: string | null;
  /** An empty volume on the engine's disk. */
  readonly volume: string;
  readonly commit: string;
  readonly signal: AbortSignal;
}

/**
 * Checks a commit out into a volume, durably: in a container sealed like a worker's, of an image of ours, which runs git and nothing of
 * the repository. The host looks at none of it. Errors: those of the engine, `AC_WORKER_CONFINEMENT`, `AC_WORKER_DEADLINE`,
 * `AC_WORKER_CANCELLED`, `AC_WORKER_EXITED`, `AC_CLONE_FAILED`.
 */
export async function prepareCheckout(request: CheckoutRequest): Promise<Result<undefined>> {
  const { terms, runtimeFolder, volume } = request;
  const { sealed, instance, host, imageId, mirrorFolder } = terms;
  const created = await createSealed(sealed, {
    owner: { instance, host, purpose: 'prepare' },
    imageId,
    mirrorFolder,
    runtimeFolder,
    limits,
    caches: [],
    workspaceVolume: volume,
  });
  if (!created.ok) return created;
  const worker = openWorkerDoor(sealed, created.value);
  try {
    return await checkOut(request, worker);
  } finally {
    await worker.dispose();
  }
}

async function checkOut(
  { terms, commit, signal }: CheckoutRequest,
  { id, door, attachment }: SealedWorker,
): Promise<Result<undefined>> {
  let lastWords = '';
  attachment.log.on('data', (chunk: Buffer) => (lastWords = (lastWords + chunk.toString('utf8')).slice(-500)));
  attachment.log.on('error', () => undefined);
  const order = {
    kind: 'prepare' as const,
    mirror: '/mirror.git',
    base_oid: commit,
    command_timeout: deadlineSeconds,
    verify: [],
  };
  door.assign({ order, bundleFile: null, onProgress: () => undefined, services: noServices });
  const started = await terms.sealed.engine.start(id);
  if (!started.ok) return started;
  const ended = new AbortController();
  const end = await Promise.race([door.end, interruption({ deadlineSeconds, signal }, ended.signal)]);
  ended.abort();
  if (end.kind === 'interrupted') return failure(end.error);
  if (end.kind !== 'reported') return failure(containerErrors.AC_WORKER_EXITED({ code: end.kind }, lastWords));
  return end.report.error === null ? success() : failure(end.report.error);
}
