import type { Duplex } from 'node:stream';
import type { AppError, ModelAccount, NoteList, Result } from '@agentcompany/protocol';
import type { ModelEvent, ModelRequest, ToolDefinition } from '../models/model.ts';

/** The models of one attempt: metered, within its budget, with what was paid once given again for nothing. */
export interface AttemptModels {
  /** What code agents are told their model is called. */
  readonly modelName: string;
  /** Tokens of one answer; what a worker asks for beyond it is cut to it. */
  readonly maxOutputTokens: number;
  /** 0 to 2; null: the provider's own. */
  readonly temperature: number | null;
  /** Never throws; the last event is `end` or `failed`. Errors: those of docs/models.md, `AC_BUDGET_SPENT`. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

/** What the attempts of one task leave each other. Content is the workers' own: the host only keeps it. */
export interface CheckpointStore {
  /** Null: there is none. */
  read(): Promise<Result<Buffer | null>>;
  /** Durable when it returns. */
  write(content: Buffer): Promise<Result<undefined>>;
}

/** Tools on the host's side, offered to any agent: the company's own, and those of the MCP servers a project names. */
export interface HostTools {
  list(): Promise<Result<readonly ToolDefinition[]>>;
  /** The input is whatever the worker wrote. A failure is told to the agent as the tool's answer. */
  call(name: string, input: unknown, signal: AbortSignal): Promise<Result<string>>;
}

/** How a CONNECT is answered. */
export interface ConnectAnswer {
  /** Answers that it is open; null where nobody is there any more. */
  accept(): Duplex | null;
  refuse(status: number, problem: string): void;
  /** Ends it, however it was answered. */
  end(): void;
  /** Aborted when it is over, whoever ended it. */
  readonly gone: AbortSignal;
}

/** The way out of a worker: to named hosts, checked and put on record (docs/egress.md). */
export interface AttemptEgress {
  /** PEM of the authority that signs for inspected hosts; null where none is. */
  readonly certificate: string | null;
  /** Bytes that may come through the door for it, on top of all else. */
  readonly doorBytes: number;
  /** Streams of the door it may take at a time. */
  readonly openConnections: number;
  /** Serves one connection to `authority`, `host:port` as the worker wrote it, to its end. Never rejects for what the worker sent. */
  connect(authority: string, answer: ConnectAnswer): Promise<void>;
}

/** A way out as its host opens it; null: the run has none. */
export interface OpenedWayOut {
  readonly egress: AttemptEgress | null;
  /** Ends all connections; returns when what happened is on record. */
  close(): Promise<void>;
}

/** No way out. */
export const noWayOut: OpenedWayOut = { egress: null, close: async () => undefined };

/** What people told whoever works on the task. */
export interface AttemptNotes {
  /** All of them, oldest first, as the ledger has them now. */
  list(): Promise<Result<NoteList['notes']>>;
}

/** What lies behind the door of one attempt besides its order; null: the attempt has no such thing, its routes do not exist. */
export interface AttemptServices {
  readonly models: AttemptModels | null;
  readonly checkpoint: CheckpointStore | null;
  readonly tools: HostTools | null;
  readonly notes: AttemptNotes | null;
  readonly egress: AttemptEgress | null;
}

/** The services of one attempt as its host opens them. */
export interface OpenedServices extends AttemptServices {
  /** What the models took so far; asked for when the attempt has ended. */
  account(): ModelAccount;
  /** Why no more is asked of models, where that is for want of money: the last request was refused. */
  refusal(): AppError | null;
  close(): Promise<void>;
}

export const noServices: AttemptServices = { models: null, checkpoint: null, tools: null, notes: null, egress: null };

/** Services of an attempt that was offered nothing. */
export const nothingOpened: OpenedServices = {
  ...noServices,
  account: () => [],
  refusal: () => null,
  close: async () => undefined,
};
