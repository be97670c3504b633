import { parsePayload, type Envelope } from '@agentcompany/protocol';
import type { Company } from '../../company-facade.ts';
import type { ActsAgain } from './acts-again.ts';
import { readAnswers, RecordedAnswers } from './recorded-answers.ts';
import { RecordedApprovals, type RecordedDecision } from './recorded-approvals.ts';
import { Marks } from './recorded-marks.ts';
import type { RecordedRun } from './recorded-run.ts';

/** The people of a recorded run, who say and do again what they did, each thing at the place in the run's course where it took effect. */
export class PeopleAgain {
  readonly #company: Company;
  readonly #runId: string;
  readonly #acts: ActsAgain;
  readonly #answers: RecordedAnswers;
  readonly #approvals: RecordedApprovals;
  readonly #marks = new Marks();
  #asked: readonly { readonly approvalId: string; readonly decision: RecordedDecision }[] = [];
  #seen = 0;
  #taking: Promise<void> = Promise.resolve();

  constructor(company: Company, runId: string, { entries }: Pick<RecordedRun, 'entries'>, acts: ActsAgain) {
    this.#company = company;
    this.#runId = runId;
    this.#acts = acts;
    this.#answers = new RecordedAnswers(readAnswers(entries));
    this.#approvals = new RecordedApprovals(entries);
  }

  /** Follows the run until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await this.#read(true, signal);
  }

  /** Takes all that is on record by now; resolves when what was due with it is done. */
  async catchUp(): Promise<void> {
    await this.#read(false, new AbortController().signal);
    await (this.#taking = this.#taking.then(() => this.#answerApprovals()));
  }

  async #read(follow: boolean, signal: AbortSignal): Promise<void> {
    const range = { after: this.#seen, follow, signal };
    for await (const { seq, envelope } of this.#company.timeline(this.#runId, range)) {
      this.#taking = this.#taking.then(() => this.#take(seq, envelope));
      await this.#taking;
    }
  }

  async #take(seq: number, envelope: Envelope): Promise<void> {
    if (seq <= this.#seen) return;
    this.#seen = seq;
    const mark = this.#marks.note(envelope);
    const request =
      envelope.envelope_type === 'approval_request' ? parsePayload('approval_request', envelope.payload) : null;
    if (request?.ok === true) {
      const asked = { approvalId: request.value.approval_id, decision: this.#approvals.next(request.value) };
      this.#asked = [...this.#asked, asked];
    }
    if (mark !== null) await this.#acts.see(mark.key);
    await this.#answerApprovals();
    const due = this.#answers.note(envelope);
    if (due !== null) await this.#company.answerQuestion(due.questionId, due.text);
  }

  /** As they were, and not before what people did before. One that nobody needs to answer any more by then is closed, and this changes nothing. */
  async #answerApprovals(): Promise<void> {
    const due = this.#asked.filter(({ decision: { at } }) => this.#acts.isDoneBefore(at));
    this.#asked = this.#asked.filter((asked) => !due.includes(asked));
    for (const {
      approvalId,
      decision: { decision, comment },
    } of due)
      await this.#company.answerApproval(this.#runId, { approvalId, decision, comment });
  }
}
