import { describe, expect, it } from 'vitest';
import { planOf } from '../testing/fixtures.ts';
import { Simulation } from '../testing/simulation.ts';

const plan = planOf({ a: [] });

function unreviewed(more: ConstructorParameters<typeof Simulation>[0]['world'] = {}): Simulation {
  return new Simulation({ plan, world: { review: () => 'unavailable', ...more } }).proceed();
}

describe('work that no model could review', () => {
  it('S46 is not approved: a person is asked about this very tree, and told why', () => {
    const company = unreviewed();
    expect([company.run.state, company.task('a').state, company.task('a').rounds]).toEqual([
      'running',
      'awaiting_person',
      1,
    ]);
    const [approval] = company.run.approvals.values();
    expect(approval?.request).toMatchObject({
      subject: 'review',
      hash: company.attempt('a')?.ingested?.tree,
      summary: expect.stringContaining('not yet'),
    });
    const told = company.ledger.stream.find(({ envelope_type: type }) => type === 'escalate');
    expect(told?.payload).toMatchObject({ error: { code: 'AC_REVIEW_UNAVAILABLE' } });
  });

  it('is merged by a person’s word, and fails by one', () => {
    expect(unreviewed().answer('approve').proceed().run.state).toBe('published');
    const refused = unreviewed().answer('reject').proceed();
    expect([refused.task('a').state, refused.task('a').error?.code]).toEqual(['failed', 'AC_APPROVAL_REFUSED']);
  });

  it('is not merged by a word about another tree', () => {
    expect(unreviewed().answer('approve', 'another tree').proceed().task('a').state).toBe('awaiting_person');
  });

  it('S35 fails where protected paths are refused, and names them to the person where not', () => {
    const ingest = (): { readonly protectedPaths: readonly string[] } => ({
      protectedPaths: ['.github/workflows/x.yml'],
    });
    const [approval] = unreviewed({ ingest }).run.approvals.values();
    expect(approval?.request.details).toEqual(['.github/workflows/x.yml']);
    const approvals = { plan: 'auto', protected_paths: 'refuse' } as const;
    const refused = new Simulation({ plan, settings: { approvals }, world: { review: () => 'unavailable', ingest } });
    expect(refused.proceed().task('a').error?.code).toBe('AC_PATHS_PROTECTED');
  });
});
