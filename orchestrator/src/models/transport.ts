import type { ProviderName } from './model.ts';

/** How to reach a provider. The SDKs never see the key: the transport adds it to what leaves. */
export interface Connection {
  readonly provider: ProviderName;
  readonly baseUrl: string;
  readonly key: string | null;
  /** The environment variable the key comes from, for messages. */
  readonly variable: string;
}

/** An answer that is an error, as the provider worded it. */
export interface HttpFailure {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface TransportOptions {
  readonly connection: Connection;
  /** Headers that carry the key. */
  readonly authorization: Readonly<Record<string, string>>;
  /** Bytes an answer may have, decompressed. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Each line of the answer is JSON: a line that is not ends the call. */
  readonly jsonLines?: true;
}

/** All that goes out besides the key: what SDKs add of their own (about this machine, from its environment) stays here. */
const sentHeaders = ['accept', 'anthropic-version', 'content-type'];
const errorTextLimit = 64 * 1024;

/**
 * The one way to a provider during one call: only to its address, without following redirects (they would carry the key
 * away), at most `limit` bytes back. It keeps what went wrong, since each SDK wraps that differently.
 */
export class Transport {
  failure: HttpFailure | null = null;
  /** The provider answered at all. */
  responded = false;
  /** The answer broke off. */
  broken = false;
  tooLarge = false;
  readonly options: TransportOptions;

  constructor(options: TransportOptions) {
    this.options = options;
  }

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { connection, authorization, signal } = this.options;
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== new URL(connection.baseUrl).origin) throw new Error('a request to another host was stopped');
    const given = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
    const headers = new Headers({ 'user-agent': 'agentcompany', ...authorization });
    for (const name of sentHeaders) {
      const value = given.get(name);
      if (value !== null) headers.set(name, value);
    }
    const signals = [signal, ...(init.signal ? [init.signal] : [])];
    const answer = await fetch(url, {
      method: init.method ?? 'GET',
      headers,
      redirect: 'error',
      signal: AbortSignal.any(signals),
      ...(init.body === undefined || init.body === null ? {} : { body: init.body }),
    });
    this.responded = true;
    const body = answer.body === null ? null : this.#bounded(answer.body, init.signal ?? null);
    const bounded = new Response(body, { status: answer.status, headers: answer.headers });
    if (answer.ok) return bounded;
    this.failure = { status: answer.status, text: await readSome(bounded), headers: answer.headers };
    throw new Error(`status ${answer.status}`);
  };

  #bounded(body: ReadableStream<Uint8Array>, stoppedBySdk: AbortSignal | null): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const lines = this.options.jsonLines === true ? new JsonLines() : null;
    let left = this.options.limit;
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await reader.read().catch((cause: unknown) => {
          this.broken = stoppedBySdk?.aborted !== true;
          throw cause;
        });
        left -= value?.byteLength ?? 0;
        if (left < 0) {
          this.tooLarge = true;
          await reader.cancel();
          throw new Error('the answer is too large');
        }
        lines?.take(value);
        // Whoever still waits for the last line waits in vain.
        if (done && lines !== null) this.broken = true;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  /** The text without the key, short enough for a message. */
  redact(text: string): string {
    return withoutKey(text, this.options.connection.key).slice(0, 500);
  }
}

/** `text` with every occurrence of the key replaced; a key shorter than 6 characters would blot out ordinary words. */
function withoutKey(text: string, key: string | null): string {
  return key === null || key.length < 6 ? text : text.replaceAll(key, '[key]');
}

/** Throws at the first line that is no JSON; the last one may be unfinished. */
class JsonLines {
  #rest = '';
  readonly #decoder = new TextDecoder();

  take(bytes: Uint8Array | undefined): void {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: bytes !== undefined })).split('\n');
    this.#rest = bytes === undefined ? '' : (parts.pop() ?? '');
    for (const part of parts) if (part.trim() !== '') JSON.parse(part);
  }
}

async function readSome(response: Response): Promise<string> {
  try {
    return (await response.text()).slice(0, errorTextLimit);
  } catch {
    return '';
  }
}
