import { parsePayload, success, unwrap, type AppError, type Envelope, type Result } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { message, type Draft } from '../company/decide/draft.ts';
import { checkPlan } from '../company/plan-check.ts';
import { errorOf, openedRun, planOf } from '../company/testing/fixtures.ts';
import { Simulation } from '../company/testing/simulation.ts';
import type { ProjectRepositories } from '../git/repositories.ts';
import { planRun } from './manager/manager.ts';
import { planHash } from './manager/plan-hash.ts';
import type { PlanMaker } from './manager/plan-with-model.ts';
import { integrateBase, mergeTask } from './merger/merger.ts';
import { reviewTask, type ReviewerParts } from './reviewer/reviewer.ts';

const never = (what: string) => (): never => {
  throw new Error(`${what} was not to be called`);
};
const fail = async (error: AppError): Promise<Result<never>> => ({ ok: false, error });

/** A repository that answers what a test gives it and nothing else; the real one is tested beside its source. */
function repositories(known: Partial<ProjectRepositories>): ProjectRepositories {
  const methods = [
    'synchronize',
    'branchTip',
    'listFiles',
    'readText',
    'createRunBranch',
    'runTip',
    'ingest',
    'merge',
    'mergeBase',
    'changes',
    'conflictMarkers',
    'diffText',
    'scanNew',
    'diffStat',
    'push',
  ];
  const none = Object.fromEntries(methods.map((name) => [name, never(name)])) as unknown as Omit<
    ProjectRepositories,
    'mirrorFolder'
  >;
  return { ...none, mirrorFolder: '/mirror.git', ...known };
}

function payloadOf(result: Result<readonly Draft[]>): Readonly<Record<string, unknown>> {
  const drafts = unwrap(result);
  expect(drafts).toHaveLength(1);
  const [draft] = drafts;
  expect(draft === undefined || parsePayload(draft.type, draft.payload).ok).toBe(true);
  return { type: draft?.type, ...draft?.payload };
}

/** A run whose only task waits for the answer to its `type`, and the request itself. */
function waitingFor(type: 'review_request' | 'merge_request'): {
  readonly company: Simulation;
  readonly request: Envelope;
} {
  const company = new Simulation({ plan: planOf({ a: [] }) });
  let request: Envelope | undefined;
  company.proceed(() => {
    request = company.ledger.messages.find(({ envelope }) => envelope.envelope_type === type)?.envelope;
    return request !== undefined;
  });
  if (request === undefined) throw new Error(`no ${type}`);
  return { company, request };
}

describe('the Manager', () => {
  const rest = { checkPlan, makePlan: null, onCall: () => undefined, signal: new AbortController().signal };
  const plan = planOf({ a: [], b: ['a'] });
  const reachable = repositories({
    synchronize: async () => success(),
    branchTip: async (branch) => (branch === 'main' ? success('tip') : fail(errorOf('AC_BRANCH_UNKNOWN', 'never'))),
    createRunBranch: async () => success(),
    runTip: async () => success('tip'),
  });

  it('gives the checked plan with its hash, pinned to the integration branch', async () => {
    const answer = payloadOf(await planRun(openedRun(plan), { repositories: reachable, ...rest }));
    expect(answer).toMatchObject({ type: 'task_plan', base_oid: 'tip', plan, hash: planHash(plan) });
    expect(planHash({ ...plan, title: 'Another' })).not.toBe(planHash(plan));
    expect(planHash(plan)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['no plan', null, 'AC_PLAN_MISSING'],
    ['a cycle', planOf({ a: ['b'], b: ['a'] }), 'AC_PLAN_CYCLE'],
    ['an empty plan', planOf({}), 'AC_PLAN_EMPTY'],
  ])('ends the run on %s before it touches the repository', async (_, submitted, code) => {
    const answer = payloadOf(await planRun(openedRun(submitted), { repositories: repositories({}), ...rest }));
    expect(answer).toMatchObject({ type: 'run_failed', error: { code } });
  });

  it('lets the model make the plan from the files at the base, and keeps what that took beside it', async () => {
    const withFiles = {
      ...reachable,
      listFiles: async (commit: string) => success([`${commit}.ts`]),
      readText: async (commit: string, path: string) => success(`${commit}:${path}`),
    };
    const usage = { input: 5, output: 6, cache_read: 7, cache_write: 8 };
    const orders: Parameters<PlanMaker>[0][] = [];
    const makePlan: PlanMaker = async (order) => {
      orders.push(order);
      return success({ plan, calls: [{ provider: 'openai', model: 'm', usage, cost_usd: null }] });
    };
    const answer = await planRun(openedRun(null, { verify: ['make'] }), { ...rest, repositories: withFiles, makePlan });
    expect(payloadOf(answer)).toMatchObject({
      type: 'task_plan',
      plan,
      hash: planHash(plan),
      planning: { calls: [{ provider: 'openai', model: 'm', usage, cost_usd: null }] },
    });
    expect(orders).toMatchObject([{ instruction: 'Do it all.', files: ['tip.ts'], verify: ['make'] }]);
    expect(await orders[0]?.readFile('a.ts')).toEqual(success('tip:a.ts'));
  });

  it('ends the run where the model fails for good, and leaves it open where the engine stops meanwhile', async () => {
    const withFiles = { ...reachable, listFiles: async () => success([]) };
    const failing = (code: string, retry: AppError['retry']): ReturnType<typeof planRun> =>
      planRun(openedRun(null), { ...rest, repositories: withFiles, makePlan: () => fail(errorOf(code, retry)) });
    for (const retry of ['later', 'never'] as const) {
      const answer = payloadOf(await failing('AC_MODEL_UNREACHABLE', retry));
      expect(answer).toMatchObject({ type: 'run_failed', error: { code: 'AC_MODEL_UNREACHABLE' } });
    }
    const stopped = await failing('AC_MODEL_ABORTED', 'never');
    expect(stopped).toMatchObject({ ok: false, error: { code: 'AC_MODEL_ABORTED' } });
  });

  it('ends the run where the branch does not exist, and asks to be called again where git is away', async () => {
    const unknown = await planRun(openedRun(plan, { integration_branch: 'nowhere' }), {
      repositories: reachable,
      ...rest,
    });
    expect(payloadOf(unknown)).toMatchObject({ type: 'run_failed', error: { code: 'AC_BRANCH_UNKNOWN' } });
    const away = repositories({ synchronize: () => fail(errorOf('AC_GIT_UNREACHABLE', 'later')) });
    expect(await planRun(openedRun(plan), { repositories: away, ...rest })).toMatchObject({
      ok: false,
      error: { code: 'AC_GIT_UNREACHABLE' },
    });
  });
});

describe('the Reviewer', () => {
  const reviewing = (git: ProjectRepositories): ReviewerParts => ({
    repositories: git,
    reviewByModel: never('the model'),
    isLastTry: false,
    onCall: () => undefined,
    signal: new AbortController().signal,
  });

  it('approves by the rules, bound to the tree that was ingested', async () => {
    const { company, request } = waitingFor('review_request');
    const asked: (readonly string[])[] = [];
    const git = repositories({ conflictMarkers: async (_, paths) => (asked.push(paths), success([])) });
    const answer = payloadOf(await reviewTask(company.run, request, reviewing(git)));
    expect(answer).toMatchObject({
      type: 'review_response',
      verdict: 'approve',
      tree: company.attempt('a')?.ingested?.tree,
      findings: [],
    });
    expect(asked).toStrictEqual([['a.txt']]);
  });

  it('C23 sends back what holds a conflict marker', async () => {
    const { company, request } = waitingFor('review_request');
    const answer = payloadOf(
      await reviewTask(
        company.run,
        request,
        reviewing(repositories({ conflictMarkers: async () => success(['a.txt']) })),
      ),
    );
    expect(answer).toMatchObject({
      verdict: 'request_changes',
      findings: [{ rule: 'no-conflict-marker', path: 'a.txt' }],
    });
  });

  it('says nothing of an attempt that is not the task’s latest', async () => {
    const { company, request } = waitingFor('review_request');
    const other = { ...request, payload: { ...request.payload, attempt_id: 'another' } };
    expect(unwrap(await reviewTask(company.run, other, reviewing(repositories({}))))).toStrictEqual([]);
  });

  it('hands on the failure where git cannot answer, and refuses what is no request', async () => {
    const { company, request } = waitingFor('review_request');
    const away = repositories({ conflictMarkers: () => fail(errorOf('AC_GIT_AWAY', 'later')) });
    expect(await reviewTask(company.run, request, reviewing(away))).toMatchObject({
      ok: false,
      error: { code: 'AC_GIT_AWAY' },
    });
    expect(await reviewTask(company.run, { ...request, payload: {} }, reviewing(away))).toMatchObject({
      ok: false,
      error: { code: 'AC_PAYLOAD_INVALID' },
    });
  });
});

describe('the Merger', () => {
  it('records the tips before and after, or the paths that conflict', async () => {
    const { company, request } = waitingFor('merge_request');
    const merged = repositories({ merge: async () => success({ outcome: 'merged', tipBefore: 'x', tipAfter: 'y' }) });
    expect(payloadOf(await mergeTask(company.run, request, merged))).toMatchObject({
      outcome: 'merged',
      tip_before: 'x',
      tip_after: 'y',
      conflicts: [],
    });
    const conflict = repositories({
      merge: async () => success({ outcome: 'conflict', tipBefore: 'x', conflicts: ['a.txt'] }),
    });
    expect(payloadOf(await mergeTask(company.run, request, conflict))).toMatchObject({
      outcome: 'conflict',
      tip_after: 'x',
      conflicts: ['a.txt'],
    });
  });

  it('merges nothing of a task that has moved on', async () => {
    const { company, request } = waitingFor('merge_request');
    company.cancel();
    expect(unwrap(await mergeTask(company.run, request, repositories({})))).toStrictEqual([]);
  });

  it('integrates the branch as last fetched', async () => {
    const effect = { kind: 'integrate' as const, key: 'run/x/integrate/1', branch: 'main' };
    const order: string[] = [];
    const git = repositories({
      synchronize: async () => (order.push('fetch'), success()),
      branchTip: async () => (order.push('tip'), success('base 2')),
      mergeBase: async ({ oid }) => (order.push(oid), success({ outcome: 'merged', tipBefore: 'x', tipAfter: 'y' })),
    });
    const answer = payloadOf(await integrateBase(openedRun(planOf({ a: [] })), effect, git));
    expect(answer).toMatchObject({
      key: effect.key,
      error: null,
      outcome: { base_oid: 'base 2', tip_before: 'x', tip_after: 'y' },
    });
    expect(order).toStrictEqual(['fetch', 'tip', 'base 2']);
    const away = repositories({ synchronize: () => fail(errorOf('AC_GIT_UNREACHABLE', 'later')) });
    expect((await integrateBase(openedRun(null), effect, away)).ok).toBe(false);
  });

  it('answers to the engine', async () => {
    const { company, request } = waitingFor('merge_request');
    const git = repositories({ merge: async () => success({ outcome: 'conflict', tipBefore: 'x', conflicts: [] }) });
    const [draft] = unwrap(await mergeTask(company.run, request, git));
    expect(draft).toMatchObject({
      queue: message('ping', 'engine', {}).queue,
      taskId: 'a',
      attemptId: company.task('a').attemptId,
    });
  });
});
