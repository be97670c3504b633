import type { AgentOrder, ChatMessage } from '@agentcompany/protocol';
import { getCheckpoint } from '../door-checkpoint.ts';
import { Hearing } from '../door-notes.ts';
import { CheckpointSender, restoreWork, type RestoredWork } from '../leave-work.ts';
import type { Surroundings, TaskOrder } from '../work.ts';
import { noteMessage, resumeMessage, taskMessage } from './brief.ts';
import { parseCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { fitted } from './conversation.ts';

/** One agent's conversation in one attempt, begun anew or gone on with, and what it leaves the next attempt. */
export class Session {
  readonly #order: TaskOrder;
  readonly #around: Surroundings;
  readonly #turnsBefore: number;
  readonly #hearing: Hearing;
  readonly #sender: CheckpointSender;
  #messages: readonly ChatMessage[];
  /** Answers of the model in this attempt. */
  turns = 0;

  private constructor(order: TaskOrder, around: Surroundings, begun: Pick<Checkpoint, 'messages' | 'turns' | 'heard'>) {
    this.#order = order;
    this.#around = around;
    this.#messages = begun.messages;
    this.#turnsBefore = begun.turns;
    this.#hearing = new Hearing(around.door, begun.heard);
    this.#sender = new CheckpointSender(order, around);
  }

  /** Goes on from the checkpoint where the order says that there is one; a checkpoint that is of no use is told of and left. */
  static async begin(order: TaskOrder, agent: AgentOrder, around: Surroundings): Promise<Session> {
    const text = agent.resume ? await getCheckpoint(around.door) : null;
    const checkpoint = text === null ? null : parseCheckpoint(text);
    if (checkpoint === null) {
      if (agent.resume) around.progress('the checkpoint cannot be used: beginning anew');
      const messages: readonly ChatMessage[] = [{ role: 'user', text: taskMessage(order, agent) }];
      return new Session(order, around, { messages, turns: 0, heard: [] });
    }
    const became = await restoreWork(checkpoint.patch, around);
    const restored = restoredWords[became];
    around.progress(`going on after ${checkpoint.turns} answers: ${restored.short}`);
    const { messages, turns, told, heard } = checkpoint;
    // Where nothing is new it asks what it asked: a reply that was paid and not heard is given again for nothing.
    const isAsLeft = became === 'in place' && told === toldIn(order) && messages.at(-1)?.role !== 'assistant';
    const note: ChatMessage = { role: 'user', text: resumeMessage(order, restored.note) };
    return new Session(order, around, { messages: isAsLeft ? messages : [...messages, note], turns, heard });
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  add(...messages: readonly ChatMessage[]): void {
    this.#messages = fitted([...this.#messages, ...messages]);
  }

  /** Takes into the conversation what people told since; true where there was something. */
  async hear(): Promise<boolean> {
    const notes = await this.#hearing.next();
    if (notes.length === 0) return false;
    for (const { text } of notes) this.#around.progress(`was told: ${text.replace(/[\p{C}\s]+/gu, ' ').slice(0, 80)}`);
    const text = noteMessage(notes);
    const last = this.#messages.at(-1);
    // Some providers want the sides to take turns.
    if (last?.role === 'user')
      this.#messages = [...this.#messages.slice(0, -1), { role: 'user', text: `${last.text}\n\n${text}` }];
    else this.add({ role: 'user', text });
    return true;
  }

  /** Leaves the conversation and the working copy for the next attempt; `isLast`: however large what was sent before. */
  async save(isLast: boolean): Promise<void> {
    const turns = this.#turnsBefore + this.turns;
    const left = { messages: this.#messages, turns, told: toldIn(this.#order), heard: this.#hearing.heard };
    const patch = await this.#sender.readWork();
    const write = (work: Buffer | null): Buffer => writeCheckpoint({ ...left, patch: work });
    await this.#sender.send(write, { patch, turns: this.turns, isLast });
  }
}

/** What the conversation of this attempt is told of earlier ones. */
function toldIn({ feedback }: TaskOrder): string {
  return JSON.stringify(feedback);
}

/** What became of the work in progress, for people and for the agent. */
const restoredWords: Readonly<Record<RestoredWork, { readonly short: string; readonly note: string }>> = {
  'in place': {
    short: 'its changes are back',
    note: 'Your changes to files are in place as you left them.',
  },
  'not kept': {
    short: 'its changes were not kept',
    note: 'Your changes to files were not kept: the files are as they were before you began. Make the changes again.',
  },
  'do not fit': {
    short: 'its changes do not fit the base any more',
    note: 'The files have changed since, and your changes do not fit any more: they are not in place. Look at the files again and make the changes anew.',
  },
};
