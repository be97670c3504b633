import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latest } from '../current-plan.ts';
import { errorOf, planOf, task } from '../testing/fixtures.ts';
import { findRevisionProblem } from '../revision-check.ts';
import { Simulation } from '../testing/simulation.ts';
import type {
  Ingest,
  Integration,
  Merge,
  Outside,
  Triage,
  Verdict,
  Verification,
  Work,
  World,
} from '../testing/world.ts';

/** Up to eight tasks, each depending on some of those before it. */
const graphs = fc
  .array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 8 })
  .map((lists) =>
    Object.fromEntries(
      lists.map((list, index): [string, string[]] => [
        `t${index}`,
        index === 0 ? [] : [...new Set(list.map((pick) => `t${pick % index}`))],
      ]),
    ),
  );

/** Answers drawn one after the other from a list, the kindest one after its end. */
function drawn<Answer>(answers: readonly Answer[], kindest: Answer): () => Answer {
  let next = 0;
  return () => answers[next++] ?? kindest;
}

function answers<Answer>(...kinds: Answer[]): fc.Arbitrary<Answer[]> {
  return fc.array(fc.constantFrom(...kinds), { maxLength: 12 });
}

const passing = errorOf('AC_MAY_PASS');
const final = errorOf('AC_FOR_GOOD', 'never');

/** What a world answers: it errs now and then, and is kind from some point on. */
const worlds = fc.record({
  work: answers<Work>('done', 'done', passing, final, 'lost', 'dead'),
  ingest: answers<Ingest>('clean', 'clean', passing, final, 'dead', {
    protectedPaths: ['ci.yml'],
  }),
  review: answers<Verdict>('approve', 'approve', 'request_changes', 'reject', 'dead'),
  triage: answers<Triage>('retry', 'revise', 'split', 'person', 'stale', 'dead'),
  merge: answers<Merge>('merged', 'merged', 'dead', { conflicts: ['t0.txt'] }),
  verify: answers<Verification>('green', 'red', 'unavailable', 'dead'),
  integrate: answers<Integration>('same', 'moved', 'conflict', 'dead', final),
  push: answers<Outside>('done', 'dead', final),
  pullRequest: answers<Outside>('done', 'dead', final),
});

type Answers = typeof worlds extends fc.Arbitrary<infer Lists> ? Lists : never;

/** A world of its own for each try: one that was shrunk begins with its first answers again. */
function worldOf(lists: Answers): Partial<World> {
  return {
    work: drawn<Work>(lists.work, 'done'),
    ingest: drawn<Ingest>(lists.ingest, 'clean'),
    review: drawn<Verdict>(lists.review, 'approve'),
    triage: drawn<Triage>(lists.triage, 'retry'),
    merge: drawn<Merge>(lists.merge, 'merged'),
    verify: drawn<Verification>(lists.verify, 'green'),
    integrate: drawn<Integration>(lists.integrate, 'same'),
    push: drawn<Outside>(lists.push, 'done'),
    pullRequest: drawn<Outside>(lists.pullRequest, 'done'),
  };
}

const runs = fc.record({
  graph: graphs,
  world: worlds,
  order: fc.infiniteStream(fc.nat(50)),
  partial: fc.boolean(),
  plan: fc.constantFrom('auto' as const, 'person' as const),
  triages: fc.nat(2),
});

interface Drawn {
  readonly graph: Readonly<Record<string, readonly string[]>>;
  readonly world: Answers;
  readonly order: fc.Stream<number>;
  readonly partial: boolean;
  readonly plan: 'auto' | 'person';
  readonly triages: number;
}

function companyOf({ graph, world, order, partial, plan, triages }: Drawn): Simulation {
  const settings = {
    on_failure: partial ? ('partial' as const) : ('stop' as const),
    approvals: { plan, protected_paths: 'person' as const },
    max_triages: triages,
  };
  return new Simulation({
    plan: planOf(graph),
    settings,
    world: worldOf(world),
    choose: () => order.next().value ?? 0,
  });
}

/** Answers whatever is asked, and asks for another try where the run is stuck, at most `tries` times. */
function president(company: Simulation, tries: number): Simulation {
  for (let left = tries; ;) {
    company.proceed();
    if ([...company.run.approvals.values()].some(({ response, closed }) => response === null && !closed))
      company.answer('approve');
    else if (company.run.state === 'needs_attention' && left > 0) {
      left -= 1;
      company.resume();
    } else return company;
  }
}

const someRuns = { numRuns: 150 };

describe('every run', () => {
  it('reaches exactly one end or asks for a person, whatever the world does', () => {
    fc.assert(
      fc.property(runs, (drawnRun) => {
        const company = president(companyOf(drawnRun), 40);
        const { state, error, counts } = company.run;
        // Asked forty times, a president is left only with what no try can help.
        const isHopeless = state === 'needs_attention' && error !== null && counts.failed > 0;
        expect([state, state === 'published' || isHopeless]).toStrictEqual([state, true]);
      }),
      someRuns,
    );
  });

  it('is decided the same again from any point of its stream', () => {
    fc.assert(
      fc.property(runs, (drawnRun) => {
        const company = president(companyOf(drawnRun), 3);
        expect(() => company.ledger.replay()).not.toThrow();
      }),
      someRuns,
    );
  }, 30_000);

  it('merges each piece of work at most once, after all that it depends on', () => {
    fc.assert(
      fc.property(runs, (drawnRun) => {
        const { run } = president(companyOf(drawnRun), 40);
        const merged = run.merges.flatMap(({ taskId }) => taskId ?? []);
        expect(new Set(merged).size).toBe(merged.length);
        merged.forEach((id, index) => {
          for (const dependency of run.tasks.get(id)?.spec.depends_on ?? []) {
            const known = run.tasks.get(dependency);
            expect(merged.slice(0, index)).toContain(known === undefined ? '' : latest(run, known).spec.id);
          }
        });
      }),
      someRuns,
    );
  });

  it('takes a change of its plan whole or not at all, at whatever moment, and still ends', () => {
    const picks = fc.record({
      moment: fc.nat(30),
      kind: fc.constantFrom('add' as const, 'change' as const, 'remove' as const, 'supersede' as const),
      pick: fc.nat(20),
      other: fc.nat(20),
    });
    fc.assert(
      fc.property(runs, fc.array(picks, { maxLength: 5 }), (drawnRun, changes) => {
        const company = companyOf(drawnRun);
        for (const [index, { moment, kind, pick, other }] of changes.entries()) {
          let asked = 0;
          company.proceed(() => ++asked > moment);
          const { run } = company;
          const ids = [...run.tasks.keys()];
          const one = ids[pick % ids.length] ?? 'nobody';
          const spec = task(`n${index}`, { depends_on: ids.length === 0 ? [] : [ids[other % ids.length] ?? 'nobody'] });
          const changed = { ...(run.tasks.get(one)?.spec ?? spec), title: 'Other' };
          const revision = {
            revision: run.revision + 1,
            reason: 'my wish',
            by: 'president' as const,
            add: kind === 'add' || kind === 'supersede' ? [spec] : [],
            change: kind === 'change' ? [changed] : [],
            remove: kind === 'remove' ? [one] : [],
            supersede: kind === 'supersede' ? [{ task_id: one, by: spec.id }] : [],
            feedback: null,
          };
          const problem = findRevisionProblem(run, revision);
          const refused = run.refused;
          company.say('plan_revision', revision);
          expect(run.refused).toBe(problem === null ? refused : refused + 1);
        }
        const { run } = president(company, 60);
        const isHopeless = run.state === 'needs_attention' && run.error !== null;
        expect([run.state, run.state === 'published' || isHopeless]).toStrictEqual([run.state, true]);
        company.ledger.replay();
      }),
      someRuns,
    );
  }, 30_000);

  it('ends cancelled, at whatever moment it is cancelled, and never moves again', () => {
    fc.assert(
      fc.property(runs, fc.nat(60), fc.boolean(), (drawnRun, moment, isPaused) => {
        const company = companyOf(drawnRun);
        let asked = 0;
        company.proceed(() => ++asked > moment);
        if (isPaused) company.pause();
        company.cancel().proceed();
        expect(company.run.state).toBe('cancelled');
        const { length } = company.ledger.stream;
        company.waitForTimers();
        expect([company.run.state, company.ledger.stream.length]).toStrictEqual(['cancelled', length]);
        company.ledger.replay();
      }),
      someRuns,
    );
  });

  it('comes to the same end when it is paused and resumed at whatever moments', () => {
    fc.assert(
      fc.property(
        graphs,
        fc.array(fc.nat(12), { maxLength: 6 }),
        fc.infiniteStream(fc.nat(50)),
        (graph, moments, order) => {
          const company = new Simulation({ plan: planOf(graph), choose: () => order.next().value ?? 0 });
          for (const moment of moments) {
            let asked = 0;
            company.proceed(() => ++asked > moment);
            if (company.run.state !== 'published') company.pause().proceed().resume();
          }
          expect(company.proceed().run.state).toBe('published');
          expect(company.run.merges).toHaveLength(Object.keys(graph).length);
        },
      ),
      someRuns,
    );
  });
});
