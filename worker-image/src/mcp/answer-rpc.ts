import { hostToolCall } from '@agentcompany/protocol';
import type { DoorClient } from '../door-client.ts';
import { callHostTool, listHostTools } from '../door-tools.ts';
import { rpcCodes, rpcError, rpcResult, type RpcAnswer, type RpcRequest } from './json-rpc.ts';

/** Revisions of the protocol whose tools look the same on the wire; the first is offered to clients that know none of them. */
const revisions: readonly string[] = ['2025-06-18', '2025-11-25', '2025-03-26', '2024-11-05'];

const instructions =
  'Tools of the company you work for: ask a person, report progress, read your task, and what the project offers besides.';

/** Answers a request of an MCP client with what the host says; nothing is kept between two. */
export async function answerRpc(request: RpcRequest, door: DoorClient, signal: AbortSignal): Promise<RpcAnswer> {
  const { id, method, params } = request;
  switch (method) {
    case 'initialize':
      return rpcResult(id, greeting(params['protocolVersion']));
    case 'ping':
      return rpcResult(id, {});
    case 'tools/list':
      return listTools(id, door);
    case 'tools/call':
      return callTool(id, params, door, signal);
    default:
      return rpcError(id, rpcCodes.method, `there is no method ${method.slice(0, 100)}`);
  }
}

function greeting(asked: unknown): Readonly<Record<string, unknown>> {
  const known = revisions.find((revision) => revision === asked);
  return {
    protocolVersion: known ?? revisions[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'agentcompany', version: '1' },
    instructions,
  };
}

async function listTools(id: RpcRequest['id'], door: DoorClient): Promise<RpcAnswer> {
  const tools = await listHostTools(door);
  return rpcResult(id, {
    tools: tools.map(({ name, description, parameters }) => ({ name, description, inputSchema: parameters })),
  });
}

async function callTool(
  id: RpcRequest['id'],
  params: RpcRequest['params'],
  door: DoorClient,
  signal: AbortSignal,
): Promise<RpcAnswer> {
  const call = hostToolCall.safeParse({ name: params['name'], input: params['arguments'] ?? {} });
  if (!call.success) return rpcError(id, rpcCodes.params, 'a tool is called by its name, 1 to 128 characters');
  const { text, is_error: isError } = await callHostTool(door, call.data.name, call.data.input, signal);
  return rpcResult(id, { content: [{ type: 'text', text }], isError });
}
