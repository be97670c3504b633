import { describe, expect, it } from 'vitest';
import { errorOf, planOf, task } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const plan = planOf({ a: [] });
const merged = {
  outcome: 'merged',
  pull_request: { number: 1, url: 'https://forge.example/1', branch: 'agent/x', base: 'main' },
};

function typesOf(company: Simulation, kind: string): number {
  return company.ledger.stream.filter(
    ({ envelope_type: type, payload }) =>
      type === 'effect_request' && (payload['effect'] as { readonly kind: string }).kind === kind,
  ).length;
}

describe('a pull request that a person merges', () => {
  it('before the run counts as published ends it as soon as it does', () => {
    const company = new Simulation({ plan, world: { pullRequest: () => 'hold' } }).proceed();
    expect(company.run.state).toBe('publishing');
    company.say('run_complete', merged);
    const key = `run/${company.run.id}/pull_request`;
    const outcome = { kind: 'pull_request', pull_request: merged.pull_request };
    company.say('effect_result', { key, kind: 'pull_request', outcome, error: null });
    expect([company.run.state, company.run.pullRequest?.number]).toStrictEqual(['completed', 1]);
    company.ledger.replay();
  });

  it('while the run is paused ends it once it goes on', () => {
    const company = new Simulation({ plan });
    company.proceed(() => company.run.state === 'publishing').pause();
    company.say('run_complete', merged).proceed();
    expect(company.run.state).toBe('paused');
    expect(company.resume().proceed().run.state).toBe('completed');
    company.ledger.replay();
  });

  it('does not end a run that has published nothing yet', () => {
    const company = new Simulation({ plan, world: { work: () => 'hold' } }).proceed().say('run_complete', merged);
    company.finish('a', 'done').proceed();
    expect([company.run.state, company.run.refused]).toStrictEqual(['published', 1]);
  });
});

describe('a pushed branch that is gone when its pull request is to be opened', () => {
  it('is pushed again when a person resumes the run', () => {
    const world: Partial<World> = {
      pullRequest: (nth) => (nth === 1 ? errorOf('AC_PULL_REQUEST_BRANCH_UNKNOWN', 'never') : 'done'),
    };
    const company = new Simulation({ plan, world }).proceed();
    expect([company.run.state, typesOf(company, 'push')]).toStrictEqual(['needs_attention', 1]);
    company.resume().proceed();
    expect([company.run.state, typesOf(company, 'push')]).toStrictEqual(['published', 2]);
    company.ledger.replay();
  });
});

describe('a conflict on paths of a worker’s choosing', () => {
  const paths = ['src/[id].ts', `${'deep/'.repeat(200)}file.ts`, ...Array.from({ length: 500 }, (_, n) => `f${n}.txt`)];
  const world: Partial<World> = { merge: ({ taskId }) => (taskId === 'b' ? { conflicts: paths } : 'merged') };
  const declaring = { ...plan, tasks: [task('a'), task('b', { paths: ['src/**'] })] };

  it('never holds the run, though a plan could not declare such a path', () => {
    const company = new Simulation({ plan: declaring, world }).proceed();
    expect([company.run.state, company.run.refused]).toStrictEqual(['published', 0]);
    const { spec, feedback } = company.task('b-conflict-1');
    expect(spec.paths.slice(0, 3)).toStrictEqual(['src/**', 'src/\\[id\\].ts', 'f0.txt']);
    expect([spec.paths.length, feedback?.findings.length]).toStrictEqual([200, 100]);
    expect(feedback?.message).toContain('f17.txt and 482 more');
  });
});

describe('the pull request of a run of hundreds of tasks', () => {
  it('has a body that a forge takes, and says how much it leaves out', () => {
    let body = '';
    const names = Array.from({ length: 400 }, (_, number) => `task-${number}`);
    const tasks = names.map((id) => task(id, { title: `${id} ${'long '.repeat(30)}` }));
    const world: Partial<World> = { pullRequest: (_, effect) => ((body = effect.body), 'done') };
    const company = new Simulation({ plan: { ...plan, tasks }, world }).proceed();
    expect(company.run.state).toBe('published');
    expect(body.length).toBeLessThan(65_536);
    expect(body).toMatch(/- … and \d+ more/);
  });
});
