import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorOf, planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';
import type { Ingest, Integration, Merge, Outside, Verdict, Verification, Work, World } from '../testing/world.ts';

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

/** A world that errs now and then, and is kind from some point on. */
const worlds = fc
  .record({
    work: answers<Work>('done', 'done', passing, final, 'lost', 'dead'),
    ingest: answers<Ingest>('clean', 'clean', passing, final, 'dead', {
      protectedPaths: ['ci.yml'],
    }),
    review: answers<Verdict>('approve', 'approve', 'request_changes', 'reject', 'dead'),
    merge: answers<Merge>('merged', 'merged', 'dead', { conflicts: ['t0.txt'] }),
    verify: answers<Verification>('green', 'red', 'unavailable', 'dead'),
    integrate: answers<Integration>('same', 'moved', 'conflict', 'dead', final),
    push: answers<Outside>('done', 'dead', final),
    pullRequest: answers<Outside>('done', 'dead', final),
  })
  .map((lists): Partial<World> => ({
    work: drawn<Work>(lists.work, 'done'),
    ingest: drawn<Ingest>(lists.ingest, 'clean'),
    review: drawn<Verdict>(lists.review, 'approve'),
    merge: drawn<Merge>(lists.merge, 'merged'),
    verify: drawn<Verification>(lists.verify, 'green'),
    integrate: drawn<Integration>(lists.integrate, 'same'),
    push: drawn<Outside>(lists.push, 'done'),
    pullRequest: drawn<Outside>(lists.pullRequest, 'done'),
  }));

const runs = fc.record({
  graph: graphs,
  world: worlds,
  order: fc.infiniteStream(fc.nat(50)),
  partial: fc.boolean(),
  plan: fc.constantFrom('auto' as const, 'person' as const),
});

interface Drawn {
  readonly graph: Readonly<Record<string, readonly string[]>>;
  readonly world: Partial<World>;
  readonly order: fc.Stream<number>;
  readonly partial: boolean;
  readonly plan: 'auto' | 'person';
}

function companyOf({ graph, world, order, partial, plan }: Drawn): Simulation {
  const settings = {
    on_failure: partial ? ('partial' as const) : ('stop' as const),
    approvals: { plan, protected_paths: 'person' as const },
  };
  return new Simulation({ plan: planOf(graph), settings, world, choose: () => order.next().value ?? 0 });
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
  });

  it('merges each piece of work at most once, after all that it depends on', () => {
    fc.assert(
      fc.property(runs, (drawnRun) => {
        const { run } = president(companyOf(drawnRun), 40);
        const merged = run.merges.flatMap(({ taskId }) => taskId ?? []);
        expect(new Set(merged).size).toBe(merged.length);
        merged.forEach((id, index) => {
          for (const dependency of run.tasks.get(id)?.spec.depends_on ?? []) {
            const root = (name: string): string => name.replace(/-conflict-\d+(-\d+)?$/, '');
            expect(merged.slice(0, index).map(root)).toContain(root(dependency));
          }
        });
      }),
      someRuns,
    );
  });

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
