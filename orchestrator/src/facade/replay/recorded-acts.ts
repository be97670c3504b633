import { parsePayload, type Envelope } from '@agentcompany/protocol';
import { fold, openRun } from '../../company/fold.ts';
import type { Run } from '../../company/records.ts';
import type { RecordedExchange } from '../../models/exchange-store.ts';
import { heardDuring } from './heard-during.ts';
import { Marks, stepMark, type Mark } from './recorded-marks.ts';

/** Something that a person did to a run while it was under way, and where in its course that took effect. */
export interface Act {
  readonly kind: 'revision' | 'note' | 'resume';
  /** `revision 2`, `note 1 to bake`, `resume 1`. */
  readonly label: string;
  readonly envelope: Envelope;
  /** Where among the entries of the ledger it took effect: between two of them. */
  readonly at: number;
  /** The task that it is about, and that alone waits for it; null: all do. */
  readonly taskId: string | null;
  /** The request to a model during whose answer it comes; null: it waits for marks alone. */
  readonly asked: string | null;
}

/** What people did in a run, in the order in which it took effect, among the marks of its course. */
export interface RecordedActs {
  readonly acts: readonly Act[];
  /** Each mark's place among the entries. Of attempts that were lost and begun anew the last one's start counts. */
  readonly places: ReadonlyMap<string, { readonly mark: Mark; readonly at: number }>;
}

/** Where an act is that takes effect just before or after an entry. */
const beside = 0.5;

interface Seen {
  readonly envelope: Envelope;
  readonly at: number;
  /** The run's state before it, and the round its task is at. */
  readonly state: Run['state'];
  readonly round: number;
}

/** What people did in a run, from the entries of its ledger and what its agents asked their models. What had no effect then is left out. */
export function readActs(entries: readonly Envelope[], exchanges: readonly RecordedExchange[]): RecordedActs {
  const marks = new Marks();
  const places = new Map<string, { readonly mark: Mark; readonly at: number }>();
  const seen: Seen[] = [];
  let run: Run | null = null;
  for (const [at, envelope] of entries.entries()) {
    const before: Pick<Run, 'state' | 'refused'> = { state: run?.state ?? 'pending', refused: run?.refused ?? 0 };
    const round = run?.tasks.get(envelope.context.task_id ?? '')?.rounds ?? 0;
    if (run === null) run = openRun(envelope);
    else fold(run, at + 1, envelope);
    const mark = marks.note(envelope);
    if (run === null || run.refused > before.refused) continue;
    if (mark !== null && (mark.key.startsWith('start ') || !places.has(mark.key))) places.set(mark.key, { mark, at });
    if (isAct(envelope, before.state)) seen.push({ envelope, at, state: before.state, round });
  }
  const counts = new Map<string, number>();
  const acts = seen.map((one) => actOf(one, { seen, places, exchanges, counts }));
  return { acts: acts.toSorted((one, other) => one.at - other.at), places };
}

/** Pauses change no course; what follows from the Manager's word follows again by itself. */
function isAct({ envelope_type: type, payload }: Envelope, state: Run['state']): boolean {
  if (type === 'task_note') return true;
  if (type === 'run_resume') return state !== 'paused';
  const by = payload['by'];
  return type === 'plan_revision' && typeof by === 'string' && by !== 'manager';
}

interface Reading extends RecordedActs {
  readonly seen: readonly Seen[];
  readonly exchanges: readonly RecordedExchange[];
  readonly counts: Map<string, number>;
}

function actOf(one: Seen, reading: Omit<Reading, 'acts'>): Act {
  const { envelope, at } = one;
  const { counts } = reading;
  const { task_id: taskId = '' } = envelope.context;
  const number = (name: string): number => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count;
  };
  const whole = { envelope, at, taskId: null, asked: null };
  if (envelope.envelope_type === 'plan_revision')
    return { ...whole, kind: 'revision', label: `revision ${String(envelope.payload['revision'])}` };
  if (envelope.envelope_type === 'run_resume') return { ...whole, kind: 'resume', label: `resume ${number('resume')}` };
  const label = `note ${number(`note ${taskId}`)} to ${taskId}`;
  return { ...whole, kind: 'note', label, taskId, ...effectOf(one, taskId, reading) };
}

/** A note takes effect where it is heard: between two requests of the agent at work, or with the attempt that comes next. */
function effectOf(
  { envelope, at, round }: Seen,
  taskId: string,
  { seen, places, exchanges }: Omit<Reading, 'acts'>,
): Pick<Act, 'at' | 'asked'> {
  const placeOf = (step: 'start' | 'finish'): number | undefined => places.get(stepMark(step, taskId, round).key)?.at;
  const [start, finish] = [placeOf('start'), placeOf('finish')];
  if (start === undefined || start > at || (finish !== undefined && finish < at)) return { at, asked: null };
  const note = noteOf(envelope);
  const earlier = seen.filter(
    (other) =>
      other.at < at && other.at > start && other.envelope.context.task_id === taskId && noteOf(other.envelope) === note,
  ).length;
  const work = exchanges.filter(({ key: { scope } }) => scope === `task/${taskId}/${round}`);
  const heard = heardDuring(note, work, earlier);
  if (heard.when === 'after') return { at, asked: heard.digest };
  if (heard.when === 'first') return { at: start - beside, asked: null };
  return { at: finish === undefined ? at : finish + beside, asked: null };
}

function noteOf({ envelope_type: type, payload }: Envelope): string {
  const note = type === 'task_note' ? parsePayload('task_note', payload) : null;
  return note?.ok === true ? note.value.note : '';
}
