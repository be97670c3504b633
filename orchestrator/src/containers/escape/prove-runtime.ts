import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  escapeAttempts,
  escapeGoalOf,
  failure,
  parseFindings,
  success,
  type EscapeFinding,
  type EscapeGoal,
  type Result,
  type WorkOrder,
} from '@agentcompany/protocol';
import { noServices } from '../../door/attempt-services.ts';
import { containerErrors } from '../errors.ts';
import type { WorkerLimits } from '../worker-container.ts';
import type { WorkerRunner } from '../worker-runner.ts';
import { putOutBait, type HostBait } from './host-bait.ts';

/** Seconds for the whole worker; on an idle machine it takes two. */
const deadlineSeconds = 90;
const commandSeconds = 60;

export interface ProofOptions {
  readonly runner: WorkerRunner;
  readonly instance: string;
  /** A folder of this proof's own: the log and the bait lie there. */
  readonly folder: string;
  /** A bare repository that holds `baseOid`, as a project's mirror would. */
  readonly mirrorFolder: string;
  readonly baseOid: string;
  readonly limits: WorkerLimits;
  readonly signal?: AbortSignal;
}

/** What one real worker found when it tried to get out. */
export interface RuntimeProof {
  /** Milliseconds from the request for a worker to its first word through the door: creating and starting included. */
  readonly pingMs: number;
  /** One for each attempt. */
  readonly findings: readonly EscapeFinding[];
}

/** As one word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function orderOf({ baseOid }: ProofOptions, { bait }: HostBait): Extract<WorkOrder, { kind: 'task' }> {
  return {
    kind: 'task',
    mirror: '/mirror.git',
    base_oid: baseOid,
    command_timeout: commandSeconds,
    verify: [],
    attempt_id: randomUUID(),
    title: 'Try to get out',
    instructions: 'Makes every attempt that has to fail.',
    run: { command: `/opt/worker/runtime try-to-escape ${quoted(JSON.stringify(bait))}` },
    agent: null,
    allow_empty: true,
    feedback: null,
    result_ref: 'refs/agentcompany/result',
  };
}

/**
 * Runs one real worker, as for a task, whose command tries to get out, and gathers what it found and what was heard of it on the
 * host. A worker that got out is a value here: see `checkFindings`. Errors: those of `WorkerRunner`, `AC_WORKER_UNPROVEN`.
 */
export async function proveRuntime(options: ProofOptions): Promise<Result<RuntimeProof>> {
  let host: HostBait;
  try {
    host = await putOutBait(options.folder);
  } catch (cause) {
    return failure(containerErrors.AC_WORKER_UNPROVEN({ problem: 'nothing could be put out to be found' }, cause));
  }
  try {
    return await runProof(options, host);
  } finally {
    await host.close();
  }
}

async function runProof(options: ProofOptions, host: HostBait): Promise<Result<RuntimeProof>> {
  const order = orderOf(options, host);
  const begun = performance.now();
  let pingMs = Infinity;
  const outcome = await options.runner.run({
    owner: { instance: options.instance, run: 'proof', task: 'proof', attempt: order.attempt_id, epoch: 1 },
    order,
    mirrorFolder: options.mirrorFolder,
    image: null,
    limits: options.limits,
    bundleFile: join(options.folder, 'proof.bundle'),
    logFile: join(options.folder, 'worker.log'),
    deadlineSeconds,
    signal: options.signal ?? new AbortController().signal,
    onCreated: async () => success(),
    onProgress: () => (pingMs = Math.min(pingMs, performance.now() - begun)),
    services: noServices,
  });
  if (!outcome.ok) return outcome;
  const { agent, error } = outcome.value.report;
  if (error !== null) return failure(containerErrors.AC_WORKER_UNPROVEN({ problem: error.message }, error));
  const findings = gather(agent?.output ?? '', host);
  return findings.ok ? success({ pingMs: Math.round(pingMs), findings: findings.value }) : findings;
}

function gather(output: string, host: HostBait): Result<readonly EscapeFinding[]> {
  const unproven = (problem: string) => failure(containerErrors.AC_WORKER_UNPROVEN({ problem }, output.slice(-2000)));
  if (!output.includes(`nonce ${host.bait.nonce}\n`)) return unproven('the answer is not to what was asked');
  if (!output.includes('itself reached\n')) return unproven('the worker cannot even connect to itself');
  const heard = host.heard();
  const findings = [
    ...parseFindings(output),
    {
      id: 'network.heard' as const,
      outcome: heard.length === 0 ? ('held' as const) : ('escaped' as const),
      detail: heard.length === 0 ? 'nothing was heard' : [...new Set(heard)].join(', '),
    },
  ];
  const missing = escapeAttempts.filter(({ id }) => findings.filter((finding) => finding.id === id).length !== 1);
  if (missing.length > 0) return unproven(`no single answer about ${missing.map(({ id }) => id).join(', ')}`);
  return success(findings);
}

/**
 * What was found about one goal, or about all, in a few words. Error: `AC_WORKER_ESCAPED`, naming all that worked. What could not be tried is
 * told in capitals and is no error: nobody has shown that it works.
 */
export function checkFindings(findings: readonly EscapeFinding[], goal: EscapeGoal | null = null): Result<string> {
  const own = findings.filter(({ id }) => goal === null || escapeGoalOf(id) === goal);
  const escapes = own.filter(({ outcome }) => outcome === 'escaped').map(({ id, detail }) => `${id} (${detail})`);
  if (escapes.length > 0) return failure(containerErrors.AC_WORKER_ESCAPED({ escapes: escapes.join('; ') }));
  const untried = own.filter(({ outcome }) => outcome === 'untried');
  const [first] = untried;
  const held = `${own.length - untried.length} of ${own.length} attempts tried, none got out`;
  if (first === undefined) return success(`${own.length} attempts, none got out`);
  return success(`${held}; ${untried.length} NOT TRIED: ${first.detail}`);
}
