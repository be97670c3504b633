import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { McpError, ErrorCode, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ServerProcess, type ProcessPlace } from './server-process.ts';

/** A tool as its server describes it. */
export interface ServerTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What a call came to. */
export type CallEnd =
  | { readonly kind: 'answered'; readonly text: string; readonly isError: boolean }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'ended'; readonly lastWords: string }
  | { readonly kind: 'failed'; readonly problem: string };

/** A server that was started and greeted. */
export interface ServerConnection {
  readonly tools: readonly ServerTool[];
  isOpen(): boolean;
  readonly lastWords: () => string;
  call(tool: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<CallEnd>;
  close(): Promise<void>;
}

const timeoutCode: number = ErrorCode.RequestTimeout;
const maximumPages = 20;

/** Starts a server and reads what tools it has. Rejects where that does not succeed in time; nothing stays behind then. */
export async function connectServer(place: ProcessPlace, timeoutMs: number): Promise<ServerConnection> {
  const transport = new ServerProcess(place);
  const client = new Client({ name: 'agentcompany', version: '1' }, { capabilities: {} });
  const close = (): Promise<void> => transport.close();
  try {
    await client.connect(transport, { timeout: timeoutMs });
    const tools = await listTools(client, timeoutMs);
    return {
      tools,
      isOpen: () => transport.isOpen,
      lastWords: () => transport.lastWords,
      call: (tool, input, signal) => callTool(client, { transport, timeoutMs }, tool, input, signal),
      close,
    };
  } catch (error) {
    await close();
    const { message } = error as Error;
    throw new Error([message, transport.lastWords].filter((text) => text !== '').join('\n'), { cause: error });
  }
}

async function listTools(client: Client, timeout: number): Promise<readonly ServerTool[]> {
  const tools: ServerTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maximumPages; page += 1) {
    const listed = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout });
    for (const { name, description, inputSchema } of listed.tools)
      tools.push({ name, description: description ?? '', parameters: inputSchema });
    cursor = listed.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

interface Line {
  readonly transport: ServerProcess;
  readonly timeoutMs: number;
}

async function callTool(
  client: Client,
  { transport, timeoutMs }: Line,
  name: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<CallEnd> {
  try {
    const result = await client.callTool({ name, arguments: { ...input } }, undefined, { signal, timeout: timeoutMs });
    return { kind: 'answered', text: textOf(result as CallToolResult), isError: result.isError === true };
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', problem: 'the call was given up' };
    if (error instanceof McpError && error.code === timeoutCode) return { kind: 'timeout' };
    if (!transport.isOpen) return { kind: 'ended', lastWords: transport.lastWords };
    return { kind: 'failed', problem: (error as Error).message };
  }
}

/** The texts of a result; of anything else only that it was there. */
function textOf(result: CallToolResult): string {
  const parts = result.content.map((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'resource' && 'text' in part.resource) return part.resource.text;
    return `[left out: ${part.type}]`;
  });
  if (parts.length === 0 && result.structuredContent !== undefined) return JSON.stringify(result.structuredContent);
  return parts.join('\n');
}
