import { newId, unwrap, type Plan } from '@agentcompany/protocol';
import { expect, describe, it, onTestFinished } from 'vitest';
import { RunFolds } from '../orchestrator/src/engine/run-folds.ts';
import { envelopeTo } from '../orchestrator/src/engine/testing/ledger-on-disk.ts';
import { planHash } from '../orchestrator/src/agents/manager/plan-hash.ts';
import { parsePlan, writePlan } from '../orchestrator/src/plans/plan-file.ts';
import { openDeskCompany, type DeskCompany } from './support/desk-line.ts';

/** A planned run with tasks `ask` and `other`, of which `ask` has been assigned to a worker. */
async function open(): Promise<DeskCompany> {
  const desk = await openDeskCompany((step) => onTestFinished(async () => void (await step())));
  const put = async (type: Parameters<typeof envelopeTo>[1], payload: Record<string, unknown>, taskId?: string) => {
    const context = { run_id: desk.runId, ...(taskId === undefined ? {} : { task_id: taskId }) };
    unwrap(
      await desk.bus.send([{ envelope: envelopeTo(desk.runId, type, payload, { context, id: newId() }), queue: null }]),
    );
  };
  await put('run_state', { to: 'running', reason: 'r', error: null });
  await put('task_state', { to: 'ready', reason: 'r', error: null }, 'ask');
  const plan = unwrap(await desk.company.currentPlan(desk.runId));
  const assigned = { project_id: 'app', task: plan.tasks[0], verify: [], round: 1, feedback: null, image: null };
  await put('task_assign', assigned, 'ask');
  return desk;
}

const revise = ({ company, runId }: DeskCompany, plan: Plan, dryRun = false) =>
  company.revisePlan(runId, { plan, reason: 'I thought again', dryRun });

/** The run's plan as a person gets it, changes it and gives it back. */
async function planFile({ company, runId }: DeskCompany): Promise<Plan> {
  const plan = unwrap(await company.currentPlan(runId));
  const text = writePlan(plan);
  const read = unwrap(parsePlan(text, { name: 'plan.yaml', folder: '/' }));
  expect(planHash(read)).toBe(planHash(plan));
  return read;
}

describe('the plan of a run that is under way', () => {
  it('is changed by a file: what has started is superseded, the rest changed, added, removed', async () => {
    const desk = await open();
    const plan = await planFile(desk);
    expect(await revise(desk, plan)).toMatchObject({ ok: false, error: { code: 'AC_REVISION_EMPTY' } });
    const [ask, other] = plan.tasks;
    if (ask === undefined || other === undefined) throw new Error('no tasks');
    const wanted: Plan = {
      ...plan,
      title: 'A new title',
      tasks: [
        { ...ask, title: 'Ask better' },
        { ...other, depends_on: ['ask'] },
        { ...other, id: 'third', title: 'Third' },
      ],
    };
    const before = unwrap(await desk.company.showRun(desk.runId));
    const dry = unwrap(await revise(desk, wanted, true));
    expect(unwrap(await desk.company.showRun(desk.runId))).toEqual(before);
    expect(dry).toMatchObject({
      revision: 2,
      add: [{ task_id: 'third' }],
      change: [{ task_id: 'other' }],
      supersede: [{ task_id: 'ask', by: 'ask-v2', state: 'assigned' }],
      remove: [],
      whole: true,
      asks_approval: false,
    });
    expect(unwrap(await revise(desk, wanted))).toEqual(dry);
    const now = unwrap(await desk.company.currentPlan(desk.runId));
    expect([now.title, now.tasks.map(({ id, depends_on }) => [id, depends_on])]).toEqual([
      'A new title',
      [
        ['other', ['ask-v2']],
        ['ask-v2', []],
        ['third', []],
      ],
    ]);
    const view = unwrap(await desk.company.showRun(desk.runId));
    expect([view.plan_revision, view.plan_hash]).toEqual([2, planHash(now)]);
    // A name that was superseded means its successor: the same file once more changes nothing.
    expect(await revise(desk, wanted)).toMatchObject({ ok: false, error: { code: 'AC_REVISION_EMPTY' } });
    const without = { ...now, tasks: now.tasks.filter(({ id }) => id !== 'third') };
    expect(unwrap(await revise(desk, without)).remove).toEqual([{ task_id: 'third', state: 'pending' }]);
    expect(await revise(desk, now)).toMatchObject({ ok: false, error: { code: 'AC_REVISION_NAME_TAKEN' } });
  });

  it('takes two changes at once one after the other, each against what stands then', async () => {
    const desk = await open();
    const plan = await planFile(desk);
    const [ask] = plan.tasks;
    if (ask === undefined) throw new Error('no tasks');
    const withTask = (id: string): Plan => ({ ...plan, tasks: [...plan.tasks, { ...ask, id }] });
    const both = await Promise.all([revise(desk, withTask('one')), revise(desk, withTask('two'))]);
    expect(both.map((done) => unwrap(done).revision).toSorted((one, other) => one - other)).toEqual([2, 3]);
    const folded = unwrap(await new RunFolds(desk.bus).refresh(desk.runId));
    expect([folded?.revision, folded?.refused]).toEqual([3, 0]);
  });

  it('is not changed by a file that names an agent nobody knows, or a run that is not there', async () => {
    const desk = await open();
    const plan = await planFile(desk);
    const [ask] = plan.tasks;
    if (ask === undefined) throw new Error('no tasks');
    const { run: _, ...rest } = ask;
    const strange = { ...plan, tasks: [...plan.tasks, { ...rest, id: 'strange', agent: 'nobody' }] };
    expect(await revise(desk, strange)).toMatchObject({ ok: false, error: { code: 'AC_AGENT_UNKNOWN' } });
    const nowhere = await desk.company.revisePlan('ffff', { plan, reason: '', dryRun: false });
    expect(nowhere).toMatchObject({ ok: false, error: { code: 'AC_RUN_UNKNOWN' } });
  });
});

describe('what a person tells a task', () => {
  it('is refused with a code where nobody would hear it', async () => {
    const desk = await open();
    const { company, runId } = desk;
    const tell = async (taskId: string, note: string, more = {}): Promise<string> => {
      const told = await company.tellTask({ taskId, note, ...more });
      return told.ok ? told.value.heard : told.error.code;
    };
    expect(await tell('ask', 'also X')).toBe('AC_NOTE_UNREAD');
    expect(await tell('nobody', 'also X')).toBe('AC_TASK_NOWHERE');
    expect(await tell('nobody', 'also X', { runId })).toBe('AC_TASK_UNKNOWN');
    expect(await tell('ask', ' ')).toBe('AC_NOTE_INVALID');
    expect(await tell('ask', 'x'.repeat(4001))).toBe('AC_NOTE_INVALID');
    const plan = await planFile(desk);
    const tasks = plan.tasks.map((spec) => ({ ...spec, run: undefined, agent: 'coder' }));
    const agents = [{ ...plan, tasks }];
    const [wanted] = agents;
    if (wanted === undefined) throw new Error('no plan');
    // Without a model nobody could work as an agent: that is told before anything changes.
    expect(await revise(desk, wanted)).toMatchObject({ ok: false, error: { code: 'AC_AGENT_MODEL_MISSING' } });
    const second = unwrap(await company.submit({ projectId: 'app', instruction: 'Do it.', plan }));
    unwrap(
      await desk.bus.send([
        {
          envelope: envelopeTo(second.runId, 'plan_request', { project_id: 'app', instruction: 'x', plan }),
          queue: null,
        },
      ]),
    );
    unwrap(
      await desk.bus.send([
        {
          envelope: envelopeTo(second.runId, 'task_plan', { revision: 1, base_oid: 'base', plan, hash: 'h' }),
          queue: null,
        },
      ]),
    );
    expect(await tell('ask', 'also X')).toBe('AC_TASK_AMBIGUOUS');
    expect(await tell('ask', 'also X', { runId: second.runId })).toBe('AC_NOTE_UNREAD');
  });
});
