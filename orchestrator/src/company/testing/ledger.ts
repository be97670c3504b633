import { isDeepStrictEqual } from 'node:util';
import type { Envelope } from '@agentcompany/protocol';
import { decide, decideOnTrigger } from '../decide/decide.ts';
import type { Draft } from '../decide/draft.ts';
import { fold, openRun } from '../fold.ts';
import type { Run } from '../records.ts';
import { taskStates } from '../states.ts';
import { envelopeOf, idOf, runId } from './fixtures.ts';
import type { Message } from './world.ts';

/** Decisions that follow one another without the world doing anything: beyond this the company chases its own tail. */
const maximumDecisions = 500;

/** Where the world waits for the company's decision, and where that had decided all. */
interface Checkpoint {
  readonly from: number;
  readonly trigger: Envelope;
  readonly until: number;
}

/** One run's stream with the engine's part of the work: it folds, decides until nothing follows, and hands out messages. */
export class Ledger {
  readonly stream: Envelope[] = [];
  readonly messages: Message[] = [];
  readonly timers: (Message & { readonly notBefore: number })[] = [];
  readonly #checkpoints: Checkpoint[] = [];
  #now: number;
  #run: Run;

  constructor(submitted: Envelope) {
    this.#now = Date.parse(submitted.created_at);
    this.stream.push(submitted);
    const run = openRun(submitted);
    if (run === null) throw new Error('no valid submission');
    this.#run = run;
    this.#conclude(submitted);
  }

  get run(): Run {
    return this.#run;
  }

  get now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** What reaches the run from outside in one durable step; the last of it is for the engine, which decides upon it. */
  accept(drafts: readonly Draft[], sender: string, inReplyTo: string | null = null): void {
    const envelopes = drafts.map((draft) => this.#append(draft, sender, inReplyTo));
    const last = envelopes.at(-1);
    if (last !== undefined) this.#conclude(last);
  }

  /** A message that already stands in the stream comes due. */
  deliver(message: Message): void {
    this.#conclude(message.envelope);
  }

  #append(draft: Draft, sender: string, inReplyTo: string | null): Envelope {
    this.#now += 1;
    const envelope = this.#envelopeOf(draft, sender, inReplyTo);
    this.stream.push(envelope);
    fold(this.#run, this.stream.length, envelope);
    if (draft.queue === null) return envelope;
    const message = { queue: draft.queue, envelope, epoch: 0 };
    if (draft.notBefore !== null) this.timers.push({ ...message, notBefore: Date.parse(draft.notBefore) });
    else if (draft.queue !== 'engine') this.messages.push(message);
    return envelope;
  }

  #envelopeOf(
    { type, payload, recipient, taskId, attemptId }: Draft,
    sender: string,
    inReplyTo: string | null,
  ): Envelope {
    const at = new Date(this.#now).toISOString();
    return envelopeOf(type, payload, {
      id: idOf(this.stream.length + 1),
      sender,
      recipient,
      taskId,
      attemptId,
      inReplyTo,
      at,
    });
  }

  #conclude(trigger: Envelope): void {
    const from = this.stream.length;
    const append = (draft: Draft): void => void this.#append(draft, 'engine', null);
    decideToTheEnd(this.#run, trigger, append);
    this.#checkpoints.push({ from, trigger, until: this.stream.length });
    checkCounts(this.#run);
  }

  /**
   * Folds the stream from its start up to each point where the world waited for a decision, and decides again: the same must follow,
   * as after a crash. Throws where it does not.
   */
  replay(): void {
    for (const { from, trigger, until } of this.#checkpoints) {
      const run = this.#folded(from);
      const decided: Draft[] = [];
      decideToTheEnd(run, trigger, (draft) => {
        decided.push(draft);
        const known = this.stream[from + decided.length - 1];
        if (known !== undefined) fold(run, run.version + 1, known);
      });
      const recorded = this.stream.slice(from, until).map(contentOf);
      if (!isDeepStrictEqual(decided.map(contentOf), recorded)) {
        throw new Error(
          `after ${from} entries:\n${JSON.stringify(decided.map(contentOf))}\nrecorded:\n${JSON.stringify(recorded)}`,
        );
      }
    }
    const whole = this.#folded(this.stream.length);
    const again = decide(whole);
    if (again.length > 0) throw new Error(`decided again: ${JSON.stringify(again)}`);
    whole.agenda.clear();
    if (!isDeepStrictEqual(whole, this.#run)) throw new Error('folded from the start, the run is another one');
  }

  #folded(length: number): Run {
    const [submitted, ...rest] = this.stream.slice(0, length);
    const run = submitted === undefined ? null : openRun(submitted);
    if (run === null) throw new Error('an empty stream');
    rest.forEach((envelope, index) => fold(run, index + 2, envelope));
    return run;
  }
}

function decideToTheEnd(run: Run, trigger: Envelope, append: (draft: Draft) => void): void {
  for (const draft of decideOnTrigger(run, trigger)) append(draft);
  for (let decisions = 0; decisions < maximumDecisions; decisions += 1) {
    const drafts = decide(run);
    run.agenda.clear();
    if (drafts.length === 0) return;
    for (const draft of drafts) append(draft);
  }
  throw new Error(`run ${runId} never settles: ${run.state}`);
}

function contentOf(value: Draft | Envelope): unknown {
  const type = 'type' in value ? value.type : value.envelope_type;
  return { type, payload: value.payload };
}

function checkCounts(run: Run): void {
  for (const state of taskStates) {
    const counted = [...run.tasks.values()].filter((task) => task.state === state).length;
    if (counted !== run.counts[state])
      throw new Error(`${run.counts[state]} tasks said to be ${state}, ${counted} are`);
  }
}
