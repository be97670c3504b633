import { constants } from 'node:http2';
import {
  doorPaths,
  failure,
  hostToolAnswer,
  hostToolList,
  success,
  workerErrors,
  type HostToolAnswer,
  type HostToolCall,
  type HostToolList,
  type Result,
} from '@agentcompany/protocol';
import { readAnswer, type DoorClient } from './door-client.ts';

/** What of the door host tools need. */
export type ToolDoor = Pick<DoorClient, 'request'>;

/** The tools that the host offers to this attempt, none where it offers nothing. Error: `AC_HOST_TOOLS_UNAVAILABLE`. */
export async function listHostTools(door: ToolDoor): Promise<Result<HostToolList['tools']>> {
  try {
    const stream = door.request('GET', doorPaths.tools);
    stream.end();
    const { status, body } = await readAnswer(stream);
    if (status === 404) return success([]);
    if (status !== 200) return failure(workerErrors.AC_HOST_TOOLS_UNAVAILABLE({}, `${status} ${body}`));
    return success(hostToolList.parse(JSON.parse(body)).tools);
  } catch (cause) {
    return failure(workerErrors.AC_HOST_TOOLS_UNAVAILABLE({}, cause));
  }
}

/**
 * Uses a host tool, which may take minutes; aborting `signal` gives the call up on both sides. Never rejects: whatever keeps the host
 * from answering is an answer too, with `is_error`.
 */
export async function callHostTool(door: ToolDoor, call: HostToolCall, signal: AbortSignal): Promise<HostToolAnswer> {
  const refused = (text: string): HostToolAnswer => ({ text, is_error: true });
  if (signal.aborted) return refused('the call was given up');
  try {
    const stream = door.request('POST', doorPaths.toolCall, { 'content-type': 'application/json' });
    const giveUp = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', giveUp, { once: true });
    const answered = readAnswer(stream);
    stream.end(JSON.stringify(call));
    try {
      const { status, body } = await answered;
      return status === 200 ? hostToolAnswer.parse(JSON.parse(body)) : refused(`the host refused the call: ${body}`);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  } catch (cause) {
    return refused(signal.aborted ? 'the call was given up' : `the host did not answer: ${String(cause)}`);
  }
}
