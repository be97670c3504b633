/** A request of JSON-RPC 2.0 as MCP has it; one without `id` is a notification. */
export interface RpcRequest {
  readonly id: string | number | null;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Codes of the JSON-RPC specification. */
export const rpcCodes = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
} as const;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The request in a body; `notification` for what wants no answer, an error's code and words for what is none. */
export function readRpc(
  body: string,
): RpcRequest | 'notification' | { readonly code: number; readonly message: string } {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { code: rpcCodes.parse, message: 'the body is not JSON' };
  }
  // Several in one body were part of one revision of the protocol only, and no client needs them.
  if (!isRecord(value) || value['jsonrpc'] !== '2.0')
    return { code: rpcCodes.request, message: 'one JSON-RPC 2.0 message is expected' };
  const { id, method, params } = value;
  if (typeof method !== 'string') {
    const isAnswer = 'result' in value || 'error' in value;
    return isAnswer ? 'notification' : { code: rpcCodes.request, message: 'a method is expected' };
  }
  if (id === undefined) return 'notification';
  if (typeof id !== 'string' && typeof id !== 'number')
    return { code: rpcCodes.request, message: 'an id is a text or a number' };
  return { id, method, params: isRecord(params) ? params : {} };
}

/** An answer, ready to be sent. */
export type RpcAnswer =
  | { readonly jsonrpc: '2.0'; readonly id: RpcRequest['id']; readonly result: Readonly<Record<string, unknown>> }
  | {
      readonly jsonrpc: '2.0';
      readonly id: RpcRequest['id'];
      readonly error: { readonly code: number; readonly message: string };
    };

export function rpcResult(id: RpcRequest['id'], result: Readonly<Record<string, unknown>>): RpcAnswer {
  return { jsonrpc: '2.0', id, result };
}

export function rpcError(id: RpcRequest['id'], code: number, message: string): RpcAnswer {
  return { jsonrpc: '2.0', id, error: { code, message } };
}
