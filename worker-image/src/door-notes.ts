import { doorPaths, noteList, type NoteList } from '@agentcompany/protocol';
import type { DoorClient } from './door-client.ts';

export type Note = NoteList['notes'][number];

/** What people told whoever works on the task so far; nothing where the host has no such route, or does not answer. */
async function listNotes(door: DoorClient): Promise<readonly Note[]> {
  try {
    const answer = await door.send('GET', doorPaths.notes, undefined);
    return answer.status === 200 ? noteList.parse(JSON.parse(answer.body)).notes : [];
  } catch {
    return [];
  }
}

/** Hears each note once, however often the host gives it. */
export class Hearing {
  readonly #door: DoorClient;
  readonly #heard: Set<string>;

  constructor(door: DoorClient, heard: readonly string[] = []) {
    this.#door = door;
    this.#heard = new Set(heard);
  }

  /** Ids of all notes heard so far. */
  get heard(): readonly string[] {
    return [...this.#heard];
  }

  /** What was not heard yet, oldest first. */
  async next(): Promise<readonly Note[]> {
    const fresh = (await listNotes(this.#door)).filter(({ id }) => !this.#heard.has(id));
    for (const { id } of fresh) this.#heard.add(id);
    return fresh;
  }
}
