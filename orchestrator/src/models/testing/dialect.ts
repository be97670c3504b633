import type { IncomingHttpHeaders } from 'node:http';

/** What a loopback server answers, in words of no provider; the dialect writes it as that provider would. */
export interface Answer {
  readonly texts: readonly string[];
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly stop: 'finished' | 'length' | 'refused';
  readonly usage: {
    readonly input: number;
    readonly output: number;
    readonly cacheRead: number;
    readonly cacheWrite: number;
  };
}

/** Errors every provider knows, each with its own status and words. */
export type Fault =
  | 'wrong-key'
  | 'rate-limit'
  | 'no-credit'
  | 'overloaded'
  | 'broken'
  | 'no-model'
  | 'context'
  | 'tokens'
  | 'bad-request';

export interface FaultAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One provider's wire format, seen from its server. */
export interface Dialect {
  readonly contentType: string;
  /** The key a request carries. */
  readonly keyOf: (headers: IncomingHttpHeaders) => string | null;
  readonly isChat: (method: string, path: string) => boolean;
  /** What a strict server has against the request; null for nothing. */
  readonly inspect: (body: unknown, path: string, headers: IncomingHttpHeaders) => string | null;
  /** The pieces of a whole answer as they go over the wire. */
  readonly frames: (answer: Answer) => readonly string[];
  /** An error inside a stream that began well; null where the format has none. */
  readonly errorFrame: string | null;
  readonly fault: (fault: Fault, key: string) => FaultAnswer;
  /** The answer to a question about a model, null for a path that is none. */
  readonly describeModel: (
    method: string,
    path: string,
    body: unknown,
    models: readonly string[],
  ) => FaultAnswer | null;
}

/** Server-sent events as most providers write them. */
export function sseFrame(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** A tool call's arguments in two halves, as they come in a stream. */
export function halves(text: string): readonly [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
