import {
  doorPaths,
  hostToolAnswer,
  hostToolList,
  type HostToolAnswer,
  type HostToolList,
} from '@agentcompany/protocol';
import type { DoorClient } from './door-client.ts';

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

/** Uses a tool of the host. Whatever goes wrong is an answer. */
export async function callHostTool(door: DoorClient, name: string, input: unknown): Promise<HostToolAnswer> {
  try {
    const { status, body } = await door.send('POST', doorPaths.toolCall, { name, input });
    if (status !== 200) return { text: `the host refused ${name}: ${status} ${body.slice(0, 1000)}`, is_error: true };
    return hostToolAnswer.parse(JSON.parse(body));
  } catch (error) {
    return { text: `${name} could not be asked: ${error instanceof Error ? error.message : ''}`, is_error: true };
  }
}
