/** One server of `mcp_servers` (docs/mcp.md). */
export interface ServerSettings {
  readonly command: string;
  readonly args: readonly string[];
  /** All that its process finds in its environment; values may hold `${NAME}` references to the engine's. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the tools that agents are offered: of the others they learn nothing. */
  readonly tools: readonly string[];
  /** Seconds that starting, and one call, may take. */
  readonly timeout: number;
}

/** The servers of a project by name. */
export type ServersByName = Readonly<Record<string, ServerSettings>>;
