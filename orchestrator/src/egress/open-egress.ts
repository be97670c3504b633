import { setTimeout as wait } from 'node:timers/promises';
import type { EgressFact, EgressSettings } from '@agentcompany/protocol';
import type { AttemptEgress, ConnectAnswer } from '../door/attempt-services.ts';
import type { SecretFinder } from '../text/find-secrets.ts';
import { ByteBudget } from './byte-budget.ts';
import type { EgressConnection, Happening } from './egress-connection.ts';
import { defaultEgressLimits, type EgressLimits } from './egress-limits.ts';
import { EgressRecorder, type RecordFacts } from './egress-recorder.ts';
import { allow, readAuthority, type AllowedTarget, type Target } from './egress-rules.ts';
import { createAttemptAuthority, type AttemptAuthority } from './inspect/attempt-authority.ts';
import { serveInspected } from './inspect/serve-inspected.ts';
import type { EgressNetwork } from './network.ts';
import { refusal, refusalWords, type Refusal } from './refusal.ts';
import { resolveTarget } from './resolve-target.ts';
import { serveTunnel } from './serve-tunnel.ts';

export interface EgressOptions {
  readonly settings: EgressSettings;
  readonly network: EgressNetwork;
  readonly findSecrets: SecretFinder;
  readonly record: RecordFacts;
  readonly limits?: Partial<EgressLimits>;
}

/** The way out of one attempt, and its end. */
export interface OpenedEgress extends AttemptEgress {
  /** Ends all connections; returns when what happened is on record. */
  close(): Promise<void>;
}

/** Characters of what a worker wrote that are kept on record. */
const recordedHost = 255;
/** Milliseconds the end of an attempt waits for its connections, which it has ended. */
const closeMs = 5000;

/** Opens the way out of one attempt. */
export async function openEgress(options: EgressOptions): Promise<OpenedEgress> {
  const isInspecting = options.settings.allow.some(({ inspect }) => inspect);
  return new Egress(options, isInspecting ? await createAttemptAuthority() : null);
}

class Egress implements OpenedEgress {
  readonly certificate: string | null;
  readonly doorBytes: number;
  readonly openConnections: number;
  readonly #options: EgressOptions;
  readonly #limits: EgressLimits;
  readonly #authority: AttemptAuthority | null;
  readonly #budget: ByteBudget;
  readonly #recorder: EgressRecorder;
  readonly #open = new Set<ConnectAnswer>();
  readonly #working = new Set<Promise<void>>();
  readonly #over = new AbortController();
  #connections = 0;
  #requests = 0;

  constructor(options: EgressOptions, authority: AttemptAuthority | null) {
    this.#options = options;
    this.#limits = { ...defaultEgressLimits, ...options.limits };
    this.#authority = authority;
    this.#budget = new ByteBudget(options.settings);
    this.#recorder = new EgressRecorder(options.record);
    this.certificate = authority?.certificate ?? null;
    // What TLS and HTTP/2 add, and requests that are refused, come on top of what may be sent.
    this.doorBytes = 2 * options.settings.upload_bytes + 67_108_864;
    this.openConnections = this.#limits.openConnections;
  }

  connect(authority: string, answer: ConnectAnswer): Promise<void> {
    const work = this.#connect(authority, answer);
    this.#working.add(work);
    return work.finally(() => this.#working.delete(work));
  }

  async close(): Promise<void> {
    this.#over.abort();
    for (const answer of this.#open) answer.end();
    await Promise.race([Promise.allSettled(this.#working), wait(closeMs, undefined, { ref: false })]);
    await this.#recorder.close();
  }

  async #connect(authority: string, answer: ConnectAnswer): Promise<void> {
    const target = this.#judge(authority);
    if ('reason' in target) return this.#refuse(readAuthority(authority) ?? authority, target, answer);
    this.#open.add(answer);
    this.#connections += 1;
    try {
      const resolved = await resolveTarget(this.#options.network, target.host);
      if ('refused' in resolved) return await this.#refuse(target, resolved.refused, answer);
      const connection = this.#connectionTo(target, resolved.address, answer.gone);
      // On record before its first byte: whatever happens then, where the attempt reached is known.
      if (!(await connection.note({ event: 'opened' })))
        return await this.#refuse(target, refusal('not_recorded'), answer);
      const stream = answer.accept();
      if (stream === null) return undefined;
      await (target.rule.inspect && this.#authority !== null
        ? serveInspected(stream, connection, this.#authority)
        : serveTunnel(stream, connection));
    } finally {
      this.#open.delete(answer);
    }
  }

  #judge(authority: string): AllowedTarget | Refusal {
    const target = readAuthority(authority);
    if (target === null) return refusal('name');
    if (this.#options.findSecrets(target.host).length > 0) return refusal('secret');
    const { openConnections, connections } = this.#limits;
    if (this.#open.size >= openConnections || this.#connections >= connections) return refusal('too_many');
    return allow(this.#options.settings.allow, target);
  }

  async #refuse(asked: Target | string, refused: Refusal, answer: ConnectAnswer): Promise<void> {
    const { reason, status } = refused;
    // A name that holds a secret is not written down.
    const { host, port } = reason === 'secret' ? { host: '', port: null } : targetOf(asked);
    await this.#recorder.note(fact(host, port, false, { event: 'refused', reason }));
    answer.refuse(status, refusalWords(refused, typeof asked === 'string' || reason === 'secret' ? null : host));
  }

  #connectionTo(target: AllowedTarget, address: string, gone: AbortSignal): EgressConnection {
    const { network, findSecrets } = this.#options;
    return {
      target,
      address,
      network,
      findSecrets,
      gone: AbortSignal.any([gone, this.#over.signal]),
      budget: this.#budget,
      limits: this.#limits,
      note: (happening) => this.#recorder.note(fact(target.host, target.port, target.rule.inspect, happening)),
      countRequest: () => {
        this.#requests += 1;
        return this.#requests <= this.#limits.requests;
      },
    };
  }
}

function targetOf(asked: Target | string): { readonly host: string; readonly port: number | null } {
  return typeof asked === 'string' ? { host: asked.slice(0, recordedHost).toWellFormed(), port: null } : asked;
}

function fact(host: string, port: number | null, inspected: boolean, happening: Happening): EgressFact {
  const nothing = { method: null, path: null, status: null, sent_bytes: 0, received_bytes: 0, reason: null };
  return { ...nothing, host, port, inspected, ...happening, count: 1 };
}
