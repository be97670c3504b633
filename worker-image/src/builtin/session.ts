import { maximumCheckpointBytes, type AgentOrder, type ChatMessage } from '@agentcompany/protocol';
import { getCheckpoint, putCheckpoint } from '../door-checkpoint.ts';
import { Hearing } from '../door-notes.ts';
import type { Surroundings, TaskOrder } from '../work.ts';
import { noteMessage, resumeMessage, taskMessage } from './brief.ts';
import { parseCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { fitted } from './conversation.ts';
import { readWorkInProgress, restoreWorkInProgress } from './work-in-progress.ts';

/** Bytes that checkpoints may take on their way through the door: so many at once, and so many more with each answer of the model. */
const allowance = { atOnce: 16_777_216, perTurn: 1_048_576 } as const;

/** One agent's conversation in one attempt, begun anew or gone on with, and what it leaves the next attempt. */
export class Session {
  readonly #order: TaskOrder;
  readonly #around: Surroundings;
  readonly #turnsBefore: number;
  readonly #hearing: Hearing;
  #messages: readonly ChatMessage[];
  #sentBytes = 0;
  /** Answers of the model in this attempt. */
  turns = 0;

  private constructor(order: TaskOrder, around: Surroundings, begun: Pick<Checkpoint, 'messages' | 'turns' | 'heard'>) {
    this.#order = order;
    this.#around = around;
    this.#messages = begun.messages;
    this.#turnsBefore = begun.turns;
    this.#hearing = new Hearing(around.door, begun.heard);
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
    const restored = await restore(checkpoint, around);
    around.progress(`going on after ${checkpoint.turns} answers: ${restored.short}`);
    const { messages, turns, told, heard } = checkpoint;
    // Where nothing is new it asks what it asked: a reply that was paid and not heard is given again for nothing.
    const isAsLeft = restored.isWhole && told === toldIn(order) && messages.at(-1)?.role !== 'assistant';
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
    const patch = await readWorkInProgress(this.#order, this.#around);
    const left = { messages: this.#messages, turns, told: toldIn(this.#order), heard: this.#hearing.heard };
    const whole = writeCheckpoint({ ...left, patch });
    const content = whole.length <= maximumCheckpointBytes ? whole : writeCheckpoint({ ...left, patch: null });
    const isAffordable = this.#sentBytes + content.length <= allowance.atOnce + this.turns * allowance.perTurn;
    if (content.length > maximumCheckpointBytes || !(isLast || isAffordable)) return;
    this.#sentBytes += content.length;
    await putCheckpoint(this.#around.door, content);
  }
}

/** What the conversation of this attempt is told of earlier ones. */
function toldIn({ feedback }: TaskOrder): string {
  return JSON.stringify(feedback);
}

/** What became of the work in progress, for people and for the agent. */
async function restore(
  { patch }: Checkpoint,
  around: Surroundings,
): Promise<{ readonly isWhole: boolean; readonly short: string; readonly note: string }> {
  if (patch === null)
    return {
      isWhole: false,
      short: 'its changes were not kept',
      note: 'Your changes to files were not kept: the files are as they were before you began. Make the changes again.',
    };
  if (await restoreWorkInProgress(patch, around))
    return {
      isWhole: true,
      short: 'its changes are back',
      note: 'Your changes to files are in place as you left them.',
    };
  return {
    isWhole: false,
    short: 'its changes do not fit the base any more',
    note: 'The files have changed since, and your changes do not fit any more: they are not in place. Look at the files again and make the changes anew.',
  };
}
