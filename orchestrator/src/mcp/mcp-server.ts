import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import type { CallEnd, ServerConnection, ServerTool } from './connect-server.ts';
import { mcpErrors as errors } from './errors.ts';
import type { ServerSettings } from './server-settings.ts';

/** Milliseconds a server that ended twice without an answer in between is left alone. */
const restMs = 60_000;

/** One server of this process: started with its first use, again when it has ended. */
export class McpServer {
  readonly #name: string;
  readonly #settings: ServerSettings;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  #connecting: Promise<Result<ServerConnection>> | null = null;
  /** Ends since it last answered. */
  #ends = 0;
  #lastEnd = 0;
  #isClosed = false;

  constructor(name: string, settings: ServerSettings, environment: Readonly<Record<string, string | undefined>>) {
    this.#name = name;
    this.#settings = settings;
    this.#environment = environment;
  }

  /** All tools it has, allowed or not. Errors: `AC_MCP_VARIABLE_MISSING`, `AC_MCP_START_FAILED`, `AC_MCP_SERVER_ENDED`. */
  async tools(): Promise<Result<readonly ServerTool[]>> {
    const connection = await this.#connection();
    return connection.ok ? success(connection.value.tools) : connection;
  }

  /** Text of the tool's answer as it came. Errors: those of `tools`, `AC_MCP_TOOL_FAILED`, `AC_MCP_CALL_FAILED`, `AC_MCP_TIMEOUT`. */
  async call(tool: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Result<string>> {
    const connection = await this.#connection();
    if (!connection.ok) return connection;
    const end = await connection.value.call(tool, input, signal);
    if (end.kind === 'answered') this.#ends = 0;
    return this.#resultOf(tool, end);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const connection = await this.#connecting;
    if (connection?.ok === true) await connection.value.close();
  }

  async #connection(): Promise<Result<ServerConnection>> {
    const connecting = this.#connecting;
    const current = connecting === null ? null : await connecting;
    if (current?.ok === true && current.value.isOpen()) return current;
    // Whoever came first has begun anew: callers at the same time share one start.
    if (this.#connecting !== connecting) return this.#connection();
    if (this.#isClosed) return this.#ended('');
    return (this.#connecting = this.#begin(current));
  }

  /** Starts it; one that ended, or did not start, is started once more and then rests. */
  async #begin(before: Result<ServerConnection> | null): Promise<Result<ServerConnection>> {
    if (before === null) return this.#start();
    this.#ends += 1;
    const isResting = this.#ends > 1 && performance.now() - this.#lastEnd < restMs;
    if (isResting) return before.ok ? this.#ended(before.value.lastWords()) : before;
    this.#lastEnd = performance.now();
    return this.#start();
  }

  async #start(): Promise<Result<ServerConnection>> {
    const env = this.#resolved();
    if (!env.ok) return env;
    const { command, args, timeout } = this.#settings;
    try {
      // The library is loaded with the first server.
      const { connectServer } = await import('./connect-server.ts');
      return success(await connectServer({ command, args, env: env.value }, timeout * 1000));
    } catch (error) {
      const problem = (error as Error).message;
      return failure(errors.AC_MCP_START_FAILED({ server: this.#name, problem }));
    }
  }

  /** Its environment with the references followed: here and nowhere else, so that no secret is part of the configuration. */
  #resolved(): Result<Readonly<Record<string, string>>> {
    const env: Record<string, string> = {};
    for (const [key, value] of Object.entries(this.#settings.env)) {
      const missing = [...value.matchAll(reference)].find(
        ([, name = '']) => this.#environment[name] === undefined,
      )?.[1];
      if (missing !== undefined)
        return failure(errors.AC_MCP_VARIABLE_MISSING({ server: this.#name, variable: missing }));
      env[key] = value.replace(reference, (_, name: string) => this.#environment[name] ?? '');
    }
    return success(env);
  }

  #ended(lastWords: string): Result<never> {
    return failure<AppError>(errors.AC_MCP_SERVER_ENDED({ server: this.#name }, lastWords === '' ? null : lastWords));
  }

  #resultOf(tool: string, end: CallEnd): Result<string> {
    const server = this.#name;
    switch (end.kind) {
      case 'answered':
        return end.isError ? failure(errors.AC_MCP_TOOL_FAILED({ server, tool }, end.text)) : success(end.text);
      case 'timeout':
        return failure(errors.AC_MCP_TIMEOUT({ server, tool, seconds: this.#settings.timeout }));
      case 'ended':
        return this.#ended(end.lastWords);
      case 'failed':
        return failure(errors.AC_MCP_CALL_FAILED({ server, tool }, end.problem));
    }
  }
}

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
