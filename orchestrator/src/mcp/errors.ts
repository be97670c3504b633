import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of the MCP servers that the host runs (docs/mcp.md). */
export const mcpErrors = errorCatalogue({
  AC_MCP_VARIABLE_MISSING: {
    message: 'MCP server {server}: the variable {variable}, which its environment refers to, is not set',
    remedy: 'Set {variable} where the engine runs, or correct `mcp_servers.{server}.env`.',
    retry: 'never',
  },
  AC_MCP_START_FAILED: {
    message: 'MCP server {server} did not start: {problem}',
    remedy: 'Run its `command` by hand with the environment that is configured; `agentcompany doctor` tries it again.',
    retry: 'later',
  },
  AC_MCP_SERVER_ENDED: {
    message: 'MCP server {server} ended',
    remedy: 'It is started once more; one that ends again rests for a minute. Read the cause: what it last wrote.',
    retry: 'later',
  },
  AC_MCP_TOOL_MISSING: {
    message: 'MCP server {server} has no tool {tools}, which `mcp_servers.{server}.tools` allows',
    remedy: 'Name tools that it has: {known}.',
    retry: 'never',
  },
  AC_MCP_TOOL_FAILED: {
    message: 'tool {tool} of MCP server {server} says that it failed; its words are data from outside',
    remedy: 'Read what it says, correct the input, or do without it.',
    retry: 'never',
  },
  AC_MCP_CALL_FAILED: {
    message: 'MCP server {server} did not carry out tool {tool}',
    remedy: 'Correct the input where the cause is about it; else do without the tool.',
    retry: 'later',
  },
  AC_MCP_TIMEOUT: {
    message: 'tool {tool} of MCP server {server} did not answer within {seconds} seconds',
    remedy: 'Ask for less, or have `mcp_servers.{server}.timeout` raised.',
    retry: 'later',
  },
});
