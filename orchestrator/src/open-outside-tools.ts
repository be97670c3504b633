import type { CompanyHome } from './company-home.ts';
import { loadConfig, type Environment } from './config.ts';
import type { Log } from './engine/log.ts';
import { McpServers, type OutsideTool } from './mcp/mcp-servers.ts';
import { showProject } from './projects.ts';

/** The MCP servers of the company's process: nothing is started before the first attempt asks for tools. */
export interface OutsideTools {
  /** Those that the project names; configuration that cannot be read is on the log, and offers none. */
  forProject(projectId: string): Promise<readonly OutsideTool[]>;
  close(): Promise<void>;
}

export function openOutsideTools(home: CompanyHome, environment: Environment, log: Log): OutsideTools {
  const servers = new McpServers({
    environment,
    onFailure: (server, error) => log('mcp-server-failed', { server, error }),
  });
  return {
    forProject: async (projectId) => {
      const project = showProject(home, projectId);
      const policy = project.ok ? project.value.policy : undefined;
      const loaded = loadConfig({ home, environment, ...(policy === undefined ? {} : { project: policy }) });
      if (loaded.ok) return servers.tools(loaded.value.config.mcp_servers);
      log('mcp-servers-unknown', { project: projectId, error: loaded.error });
      return [];
    },
    close: () => servers.close(),
  };
}
