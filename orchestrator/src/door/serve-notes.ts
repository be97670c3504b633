import { doorPaths } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import type { ServiceRequest } from './serve-attempt.ts';

/** `GET`: what people told whoever works on the task (`noteList`). False where the attempt has no such thing. */
export async function serveNotes({ stream, headers, services, beat }: ServiceRequest): Promise<boolean> {
  const { notes } = services;
  if (notes === null || `${headers[':method']} ${headers[':path']}` !== `GET ${doorPaths.notes}`) return false;
  const listed = await notes.list();
  beat();
  if (listed.ok) answer(stream, 200, { notes: listed.value });
  else answer(stream, 503, { problem: listed.error.message });
  return true;
}
