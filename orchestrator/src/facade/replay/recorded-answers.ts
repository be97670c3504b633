import { parsePayload, type Envelope } from '@agentcompany/protocol';

/** What a person said to a question of an agent. */
interface Recorded {
  readonly text: string;
  /** How many attempts had waited for it in vain before. */
  readonly waits: number;
}

/** An answer that is to be given now. */
export interface DueAnswer {
  readonly questionId: string;
  readonly text: string;
}

interface Asked {
  readonly key: string;
  waits: number;
  answer: string | null;
}

/** A question is the same if its task and its words are: ids are those of one run. */
function keyOf(taskId: string, question: string): string {
  return JSON.stringify([taskId, question]);
}

/** Follows questions and what becomes of them through the entries of a ledger. */
class Questions {
  readonly #asked = new Map<string, Asked>();

  /** The question that the entry is about, as it now stands; null for any other entry. */
  note({ envelope_type: type, payload, context }: Envelope): (Asked & { readonly id: string }) | null {
    if (type === 'question') {
      const question = parsePayload('question', payload);
      if (!question.ok) return null;
      const { question_id: id, question: text } = question.value;
      const asked = this.#asked.get(id) ?? { key: keyOf(context.task_id ?? '', text), waits: 0, answer: null };
      this.#asked.set(id, asked);
      return { id, ...asked };
    }
    if (type !== 'answer') return null;
    const answer = parsePayload('answer', payload);
    const asked = answer.ok ? this.#asked.get(answer.value.question_id) : undefined;
    if (!answer.ok || asked === undefined) return null;
    if (answer.value.answer === null) asked.waits += 1;
    else asked.answer ??= answer.value.answer;
    return { id: answer.value.question_id, ...asked };
  }
}

/** The answers in a ledger, by task and words of the question. */
export function readAnswers(entries: readonly Envelope[]): ReadonlyMap<string, Recorded> {
  const questions = new Questions();
  const answers = new Map<string, Recorded>();
  for (const envelope of entries) {
    const asked = questions.note(envelope);
    if (asked === null || asked.answer === null || answers.has(asked.key)) continue;
    answers.set(asked.key, { text: asked.answer, waits: asked.waits });
  }
  return answers;
}

/** Gives each question its recorded answer, as late as it came then; what nobody answered is not answered. */
export class RecordedAnswers {
  readonly #recorded: ReadonlyMap<string, Recorded>;
  readonly #questions = new Questions();

  constructor(recorded: ReadonlyMap<string, Recorded>) {
    this.#recorded = recorded;
  }

  /** Takes an entry of the new ledger; the answer that is due with it, null where none is. */
  note(envelope: Envelope): DueAnswer | null {
    const asked = this.#questions.note(envelope);
    if (asked === null || asked.answer !== null) return null;
    const recorded = this.#recorded.get(asked.key);
    return recorded === undefined || asked.waits < recorded.waits
      ? null
      : { questionId: asked.id, text: recorded.text };
  }
}
