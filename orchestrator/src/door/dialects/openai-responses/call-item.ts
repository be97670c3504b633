import type { AnsweredCall } from '../answer-events.ts';
import { freshId } from '../server-sent-event.ts';
import type { AgentTool } from './agent-tools.ts';

/** A call as an item of a response. */
export interface CallItem {
  readonly id: string;
  /** The item before its arguments are written, and with them. */
  readonly started: object;
  readonly whole: object;
  /** How its arguments are streamed: in which events, and in which field; null: they are not. */
  readonly argument: {
    readonly kind: 'function_call_arguments' | 'custom_tool_call_input';
    readonly field: 'arguments' | 'input';
    readonly text: string;
  } | null;
}

/** The item that stands for `call` of `tool`. */
export function toCallItem({ id: callId, input }: AnsweredCall, { kind, name, namespace }: AgentTool): CallItem {
  const named = { name, ...(namespace === null ? {} : { namespace }), call_id: callId };
  if (kind === 'function') {
    const started = { id: freshId('fc_'), type: 'function_call', ...named, arguments: '' };
    const text = JSON.stringify(input);
    const argument = { kind: 'function_call_arguments', field: 'arguments', text } as const;
    return { id: started.id, started, whole: { ...started, arguments: text }, argument };
  }
  if (kind === 'custom') {
    const started = { id: freshId('ctc_'), type: 'custom_tool_call', ...named, input: '' };
    const text = typeof input['input'] === 'string' ? input['input'] : JSON.stringify(input);
    const argument = { kind: 'custom_tool_call_input', field: 'input', text } as const;
    return { id: started.id, started, whole: { ...started, input: text }, argument };
  }
  const whole = { id: freshId('lsh_'), type: 'local_shell_call', call_id: callId, action: toAction(input) };
  return { id: whole.id, started: whole, whole, argument: null };
}

/** What the model may have got wrong is left away: the agent says what it misses. */
function toAction(input: Readonly<Record<string, unknown>>): object {
  const { command, working_directory: folder, timeout_ms: timeout } = input;
  const words = Array.isArray(command) ? command : [command];
  return {
    type: 'exec',
    command: words.filter((word) => typeof word === 'string'),
    env: {},
    ...(typeof folder === 'string' ? { working_directory: folder } : {}),
    ...(typeof timeout === 'number' && Number.isSafeInteger(timeout) ? { timeout_ms: timeout } : {}),
  };
}
