import { constants } from 'node:http2';
import {
  doorPaths,
  hostToolAnswer,
  hostToolList,
  type HostToolAnswer,
  type HostToolList,
} from '@agentcompany/protocol';
import { readAnswer, type DoorClient } from './door-client.ts';

type HostTool = HostToolList['tools'][number];

/** The tools that the host offers; none where it has no such route, or gave something else. */
export async function listHostTools(door: DoorClient): Promise<readonly HostTool[]> {
  try {
    const answer = await door.send('GET', doorPaths.tools, undefined);
    return answer.status === 200 ? hostToolList.parse(JSON.parse(answer.body)).tools : [];
  } catch {
    return [];
  }
}

/**
 * Uses a tool of the host, which may take minutes; aborting `signal` gives the call up on both sides. Whatever goes wrong is an answer.
 */
export async function callHostTool(
  door: DoorClient,
  name: string,
  input: unknown,
  signal: AbortSignal = new AbortController().signal,
): Promise<HostToolAnswer> {
  if (signal.aborted) return { text: `${name} was given up`, is_error: true };
  const stream = door.request('POST', doorPaths.toolCall, { 'content-type': 'application/json' });
  const giveUp = (): void => stream.close(constants.NGHTTP2_CANCEL);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const answered = readAnswer(stream);
    stream.end(JSON.stringify({ name, input }));
    const { status, body } = await answered;
    if (status !== 200) return { text: `the host refused ${name}: ${status} ${body.slice(0, 1000)}`, is_error: true };
    return hostToolAnswer.parse(JSON.parse(body));
  } catch (error) {
    if (signal.aborted) return { text: `${name} was given up`, is_error: true };
    return { text: `${name} could not be asked: ${error instanceof Error ? error.message : ''}`, is_error: true };
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
