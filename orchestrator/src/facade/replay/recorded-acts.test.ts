import { agentDefinition } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { planOf, task } from '../../company/testing/fixtures.ts';
import { Simulation } from '../../company/testing/simulation.ts';
import type { RecordedExchange } from '../../models/exchange-store.ts';
import { requestDigest } from '../../models/metered-model.ts';
import type { ModelMessage } from '../../models/model.ts';
import { requestOf } from '../../models/testing/fixtures.ts';
import { ActsAgain } from './acts-again.ts';
import { readActs, type Act } from './recorded-acts.ts';
import { Marks } from './recorded-marks.ts';

const wish = 'also the oven';

/** Tasks `a` and `b` of an agent, of which the first round stays at work until it is told to end. */
function working(): Simulation {
  const agentPlan = planOf({});
  for (const id of ['a', 'b']) {
    const { run: _, ...spec } = task(id, { agent: 'coder' });
    agentPlan.tasks.push(spec);
  }
  const work = ({ round }: { readonly round: number }) => (round === 1 ? 'hold' : 'done');
  const settings = { agents: [agentDefinition.parse({ name: 'coder', role: 'worker' })] };
  return new Simulation({ plan: agentPlan, settings, world: { work } }).proceed();
}

const tell = (company: Simulation, taskId: string, note = wish): Simulation =>
  company.say('task_note', { note, by: 'president' }, { taskId });

/** What the agent of a task's first round asked: each request is one of these conversations. */
function asked(taskId: string, ...conversations: readonly (readonly string[])[]): readonly RecordedExchange[] {
  return conversations.map((texts) => {
    const messages = texts.map((text): ModelMessage => ({ role: 'user', content: [{ type: 'text', text }] }));
    const request = { ...requestOf(''), messages };
    const key = { scope: `task/${taskId}/1`, digest: requestDigest(request), occurrence: 0, asked: null };
    return { key, exchange: { provider: 'openai', model: 'm', request, events: [], cost_usd: null } };
  });
}

function places(company: Simulation, type: string): readonly number[] {
  return company.ledger.stream.flatMap(({ envelope_type }, at) => (envelope_type === type ? [at] : []));
}

function read(company: Simulation, exchanges: readonly RecordedExchange[] = []): readonly Act[] {
  return readActs(company.ledger.stream, exchanges).acts;
}

describe('what people did in a recorded run', () => {
  it('is a note where the agent heard it: during an answer, from its first request on, or not before its next attempt', () => {
    const company = tell(working(), 'a');
    company.finish('a', 'done').finish('b', 'done').proceed();
    const [note = 0] = places(company, 'task_note');
    const [start = 0] = places(company, 'attempt_started');
    const [finish = 0] = places(company, 'task_complete');
    const during = asked('a', ['bake'], ['bake', 'mixed'], ['bake', 'mixed', wish], ['bake', 'mixed', wish, 'done']);
    expect(read(company, during)).toMatchObject([
      { kind: 'note', label: 'note 1 to a', taskId: 'a', at: note, asked: during[1]?.key.digest },
    ]);
    expect(read(company, asked('a', [`bake\n${wish}`], [`bake\n${wish}`, 'mixed']))).toMatchObject([
      { at: start - 0.5, asked: null },
    ]);
    expect(read(company, asked('a', ['bake'], ['bake', 'mixed']))).toMatchObject([{ at: finish + 0.5, asked: null }]);
    // What other work asked says nothing of it.
    expect(read(company, asked('b', ['bake'], ['bake', wish]))).toMatchObject([{ at: finish + 0.5, asked: null }]);
  });

  it('is told apart where the same was said twice, or stands in the task already', () => {
    const company = tell(tell(working(), 'a'), 'a');
    const exchanges = asked('a', [wish], [wish, wish], [wish, wish, wish]);
    expect(read(company, exchanges).map((act) => act.asked)).toEqual([
      exchanges[0]?.key.digest,
      exchanges[1]?.key.digest,
    ]);
  });

  it('is a change of the plan or another try, not what was refused, a pause, or what the company does itself', () => {
    const company = working();
    const revision = { revision: 2, reason: 'r', add: [task('c')], supersede: [], feedback: null };
    company.say('plan_revision', { ...revision, by: 'president' });
    company.say('plan_revision', { ...revision, by: 'president' });
    company.say('plan_revision', { ...revision, revision: 3, add: [task('d')], by: 'manager' });
    company.say('plan_revision', { ...revision, revision: 4, add: [task('e')] });
    company.pause().resume().resume();
    tell(company, 'nowhere');
    expect(read(company).map(({ label }) => label)).toEqual(['revision 2', 'resume 1', 'note 1 to nowhere']);
  });
});

/** The acts of a run in which b was told something, then the plan changed, and then both came to their ends. */
function revised(exchanges: readonly RecordedExchange[] = []) {
  const company = tell(working(), 'b');
  const revision = { revision: 2, reason: 'r', add: [task('c')], supersede: [], feedback: null, by: 'president' };
  company.say('plan_revision', revision);
  company.finish('a', 'done').finish('b', 'done').proceed();
  const performed: string[] = [];
  const outcomes = new Map<string, string>();
  const recorded = readActs(company.ledger.stream, exchanges);
  const acts = new ActsAgain(recorded, async ({ label }) => {
    performed.push(label);
    return outcomes.get(label) ?? 'taken';
  });
  const marks = new Marks();
  const keys = company.ledger.stream.flatMap((envelope) => marks.note(envelope)?.key ?? []);
  return { acts, performed, keys, outcomes };
}

describe('what people did, done again', () => {
  it('comes once all that came before it has, and what came after it waits for it', async () => {
    const { acts, performed, keys } = revised();
    const before = keys.slice(0, keys.indexOf('start b 1'));
    for (const key of before) await acts.see(key);
    expect([performed, acts.holds('start b 1'), acts.holds('finish a 1'), acts.holds('review a 1')]).toEqual([
      [],
      false,
      true,
      true,
    ]);
    expect(acts.isDoneBefore(Number.POSITIVE_INFINITY)).toBe(false);
    await acts.see('start b 1');
    // Nobody heard the note before the end of b: it comes after that.
    expect(performed).toEqual(['revision 2']);
    expect([acts.holds('finish a 1'), acts.holds('review b 1'), acts.holds('review a 1')]).toEqual([
      false,
      true,
      false,
    ]);
    await acts.see('finish b 1');
    await acts.see('plan_revision 2');
    expect([performed, acts.done, acts.holds('review b 1')]).toEqual([['revision 2', 'note 1 to b'], 2, false]);
    expect(acts.isDoneBefore(Number.POSITIVE_INFINITY)).toBe(true);
  });

  it('comes during the very answer of a model that it came during then', async () => {
    const exchanges = asked('b', ['bake'], ['bake', wish]);
    const { acts, performed, keys } = revised(exchanges);
    for (const key of keys.slice(0, keys.indexOf('start b 1') + 1)) await acts.see(key);
    expect([performed, acts.holds('finish b 1')]).toEqual([[], true]);
    await acts.asked('of something else');
    expect(performed).toEqual([]);
    await acts.asked(exchanges[0]?.key.digest ?? '');
    // The plan was changed after that, and waited for it.
    expect(performed).toEqual(['note 1 to b', 'revision 2']);
    expect(acts.holdsAnswerOf('b')).toBe(false);
  });

  it('is told with what keeps it from being taken, and is tried at once where the run has left its course', async () => {
    const exchanges = asked('b', ['bake'], ['bake', wish]);
    const { acts, performed, outcomes } = revised(exchanges);
    outcomes.set('revision 2', 'AC_REVISION_STARTED');
    const answering = acts.asked(exchanges[0]?.key.digest ?? '');
    expect(acts.holdsAnswerOf('b')).toBe(true);
    expect(acts.outcomes.map(({ outcome }) => outcome)).toEqual([null, null]);
    await acts.giveUp();
    await answering;
    expect(performed).toEqual(['note 1 to b', 'revision 2']);
    expect(acts.outcomes.map(({ outcome }) => outcome)).toEqual(['taken', 'AC_REVISION_STARTED']);
    expect([acts.holds('finish a 1'), acts.holdsAnswerOf('b')]).toEqual([false, false]);
  });
});
