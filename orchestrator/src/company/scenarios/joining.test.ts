import { describe, expect, it } from 'vitest';
import { errorOf, planOf, task } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { World } from '../testing/world.ts';

const two = planOf({ a: [], b: [], after: ['b'] });
/** b conflicts with a on the file a made, so long as it is no task of both sides. */
const conflictOnce: Partial<World> = {
  merge: ({ taskId }) => (taskId === 'b' ? { conflicts: ['a.txt'] } : 'merged'),
};
const alwaysConflict: Partial<World> = {
  merge: ({ taskId }) => (taskId.startsWith('b') ? { conflicts: ['a.txt'] } : 'merged'),
};

describe('a conflict', () => {
  it('C23 becomes one task holding both sides’ intent, for which the dependants wait', () => {
    const company = new Simulation({ plan: two, world: conflictOnce }).proceed();
    expect(company.task('b')).toMatchObject({ state: 'cancelled', supersededBy: 'b-conflict-1' });
    const joined = company.task('b-conflict-1');
    expect(joined.spec.instructions).toContain('Do b.');
    expect(joined.spec.instructions).toContain('Task a: Do a.');
    expect(joined.feedback).toMatchObject({ reason: 'conflict', findings: [{ path: 'a.txt' }] });
    expect(company.run.merges.map(({ taskId }) => taskId)).toStrictEqual(['a', 'b-conflict-1', 'after']);
    expect(company.run.state).toBe('published');
    company.ledger.replay();
  });

  it('C23 is tried by two such tasks, then escalated to a person', () => {
    const company = new Simulation({ plan: two, world: alwaysConflict }).proceed();
    expect([...company.run.tasks.keys()]).toStrictEqual(['a', 'b', 'after', 'b-conflict-1', 'b-conflict-2']);
    expect(company.task('b-conflict-2').state).toBe('awaiting_person');
    const escalated = company.ledger.stream.filter(({ envelope_type: type }) => type === 'conflict_escalate');
    expect(escalated.map(({ payload }) => payload['conflicts'])).toStrictEqual([['a.txt']]);
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_MERGE_CONFLICT']);
    expect(company.run.merges.map(({ taskId }) => taskId)).toStrictEqual(['a']);
    company.ledger.replay();
  });

  it('C23 may be tried again by resume once a person has seen it', () => {
    let heals = false;
    const merge: World['merge'] = ({ taskId }) =>
      taskId.startsWith('b') && !heals ? { conflicts: ['a.txt'] } : 'merged';
    const company = new Simulation({ plan: two, world: { merge } }).proceed().resume().proceed();
    expect(company.task('b-conflict-2')).toMatchObject({ state: 'awaiting_person', rounds: 2 });
    heals = true;
    expect(company.resume().proceed().run.state).toBe('published');
  });

  it('of two tasks at once is worked on one revision after the other', () => {
    const merge: World['merge'] = ({ taskId }) =>
      taskId === 'b' || taskId === 'c' ? { conflicts: ['a.txt'] } : 'merged';
    // Both conflicts stand on record before a decision: the second would claim the same revision.
    const company = new Simulation({ plan: planOf({ a: [], b: [], c: [] }), world: { merge } });
    company
      .proceed(() => company.run.counts.merging === 3)
      .pause()
      .proceed()
      .resume()
      .proceed();
    expect([company.run.state, company.run.revision, company.run.refused]).toStrictEqual(['published', 3, 0]);
    company.ledger.replay();
  });

  it('keeps its declared paths and gains the conflicting ones', () => {
    const plan = { ...two, tasks: [task('a'), task('b', { paths: ['src/**'] })] };
    const company = new Simulation({ plan, world: conflictOnce }).proceed();
    expect(company.task('b-conflict-1').spec.paths).toStrictEqual(['src/**', 'a.txt']);
  });
});

describe('verification of the joined result', () => {
  const plan = planOf({ a: [], b: ['a'], c: ['b'], d: ['c'] });

  it('runs a red result once more; green then is flaky and on record', () => {
    let body = '';
    const world: Partial<World> = {
      verify: (_, nth) => (nth === 1 ? 'red' : 'green'),
      pullRequest: (_, effect) => ((body = effect.body), 'done'),
    };
    const company = new Simulation({ plan, world }).proceed();
    expect(company.run.state).toBe('published');
    expect(body).toContain('red once, then green');
    company.ledger.replay();
  });

  it('names the base where the base itself is red', () => {
    const company = new Simulation({ plan, world: { verify: () => 'red' } }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BASE_RED']);
    expect(company.run.reopenings).toBe(0);
    company.ledger.replay();
  });

  it.each(['a', 'b', 'c', 'd'])(
    'bisects to the guilty task %s, which reopens with the red checks as context',
    (guilty) => {
      const verify: World['verify'] = (included) =>
        included.includes(guilty) && !included.includes(`${guilty}-fix`) ? 'red' : 'green';
      const company = new Simulation({ plan, world: { verify } }).proceed();
      expect([...company.run.tasks.keys()].slice(4)).toStrictEqual([`${guilty}-fix`]);
      expect(company.task(`${guilty}-fix`).feedback).toMatchObject({
        reason: 'verification',
        findings: [{ rule: 'make test' }],
      });
      expect(company.run.state).toBe('published');
      company.ledger.replay();
    },
  );

  it('stops for a person once max_attempts repairs did not help; resume allows as many again', () => {
    let broken = true;
    const verify: World['verify'] = (included) => (broken && included.includes('b') ? 'red' : 'green');
    const company = new Simulation({ plan, settings: { max_attempts: 2 }, world: { verify } }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_VERIFICATION_RED']);
    expect([...company.run.tasks.keys()].slice(4)).toStrictEqual(['b-fix', 'b-fix-2']);
    company.resume().proceed();
    expect([company.run.state, company.run.tasks.size]).toStrictEqual(['needs_attention', 8]);
    broken = false;
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('that could not be run is a person’s affair, and runs again after resume', () => {
    let available = false;
    const company = new Simulation({ plan, world: { verify: () => (available ? 'green' : 'unavailable') } }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_IMAGE_MISSING']);
    available = true;
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('does not blame the base when only the base could not be checked', () => {
    const verify: World['verify'] = (included) => (included.length === 0 ? 'unavailable' : 'red');
    const company = new Simulation({ plan, world: { verify } }).proceed();
    expect(company.run.error?.code).toBe('AC_IMAGE_MISSING');
  });
});

describe('a base branch that moves', () => {
  const plan = planOf({ a: [] });

  it('is merged in, and the joined result verified again before it is published', () => {
    const verified: string[] = [];
    const company = new Simulation({
      plan,
      world: {
        integrate: (nth) => (nth < 3 ? 'moved' : 'same'),
        verify: (included) => (verified.push(included.join('+')), 'green'),
      },
    }).proceed();
    expect(verified).toStrictEqual(['a', 'a+(base)', 'a+(base)+(base)']);
    expect(company.run.state).toBe('published');
    company.ledger.replay();
  });

  it('is followed three rounds at most, and again after resume', () => {
    let moving = true;
    const company = new Simulation({ plan, world: { integrate: () => (moving ? 'moved' : 'same') } }).proceed();
    expect([company.run.state, company.run.error?.code, company.run.integrations]).toStrictEqual([
      'needs_attention',
      'AC_BASE_MOVING',
      3,
    ]);
    moving = false;
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('needs a person where it conflicts, and is looked at again after resume', () => {
    let conflict = true;
    const company = new Simulation({ plan, world: { integrate: () => (conflict ? 'conflict' : 'same') } }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BASE_CONFLICT']);
    conflict = false;
    expect(company.resume().proceed().run.state).toBe('published');
    company.ledger.replay();
  });

  it('that cannot be read stops the run for a person, until resume', () => {
    const world: Partial<World> = { integrate: (nth) => (nth === 1 ? errorOf('AC_GIT_UNREACHABLE', 'never') : 'same') };
    const company = new Simulation({ plan, world }).proceed();
    expect(company.run.error?.code).toBe('AC_GIT_UNREACHABLE');
    expect(company.resume().proceed().run.state).toBe('published');
  });

  it('counts as guilty by nobody’s fault when it made the checks red', () => {
    const world: Partial<World> = {
      integrate: (nth) => (nth === 1 ? 'moved' : 'same'),
      verify: (included) => (included.includes('(base)') ? 'red' : 'green'),
    };
    const company = new Simulation({ plan, world }).proceed();
    expect([company.run.state, company.run.error?.code]).toStrictEqual(['needs_attention', 'AC_BASE_RED']);
    expect(company.run.reopenings).toBe(0);
  });
});
