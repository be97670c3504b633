import { parsePayload, success, unwrap, type AppError, type Envelope, type PayloadOf } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { errorOf, planOf, task } from '../../company/testing/fixtures.ts';
import { Simulation, type SimulationOptions } from '../../company/testing/simulation.ts';
import type { FileDifference, ProjectRepositories } from '../../git/repositories.ts';
import type { ModelEvent, ModelRequest } from '../../models/model.ts';
import { reviewWithModel, type ModelReviewer } from './review-with-model.ts';
import { reviewTask, type ReviewerParts } from './reviewer.ts';
import { pretendedModel, reviewOf } from './testing/pretended-model.ts';

const change: FileDifference = {
  path: 'a.txt',
  status: 'A',
  old_mode: '000000',
  new_mode: '100644',
  shown: 'text',
  text: '@@ -0,0 +1 @@\n+a\n',
};

function requestOf(options: Partial<SimulationOptions> = {}): {
  readonly company: Simulation;
  readonly request: Envelope;
} {
  const company = new Simulation({ plan: planOf({ a: [] }), settings: { review: 'model' }, ...options });
  let request: Envelope | undefined;
  company.proceed(() => {
    request = company.ledger.messages.find(({ envelope }) => envelope.envelope_type === 'review_request')?.envelope;
    return request !== undefined;
  });
  if (request === undefined) throw new Error('nobody asked for a review');
  return { company, request };
}

/** A reviewer over a pretended model; the calls it was given tell what it was asked. */
function reviewerOf(
  answer: (request: ModelRequest) => string | ModelEvent,
): ModelReviewer & { readonly asked: ModelRequest[] } {
  const { model, requests } = pretendedModel(answer);
  const review: ModelReviewer = (order, definition, calling) => reviewWithModel(model, order, definition, calling);
  return Object.assign(review, { asked: requests });
}

interface Asked {
  readonly reviewByModel: ModelReviewer | null;
  readonly differences?: readonly FileDifference[];
  readonly more?: Partial<ReviewerParts>;
  readonly options?: Partial<SimulationOptions>;
  readonly conflictMarkers?: readonly string[];
}

async function review({
  reviewByModel,
  differences = [change],
  more,
  options,
  conflictMarkers = [],
}: Asked): Promise<PayloadOf<'review_response'> | AppError> {
  const { company, request } = requestOf(options);
  const repositories = {
    conflictMarkers: async () => success(conflictMarkers),
    diffText: async () => success(differences),
  } as unknown as ProjectRepositories;
  const signal = new AbortController().signal;
  const parts = { repositories, reviewByModel, isLastTry: false, onCall: () => undefined, signal, ...more };
  const answered = await reviewTask(company.run, request, parts);
  if (!answered.ok) return answered.error;
  return unwrap(parsePayload('review_response', answered.value[0]?.payload ?? {}));
}

const approving = (request: ModelRequest): string =>
  JSON.stringify({ review: reviewOf(request), verdict: 'approve', findings: [] });
const failing = (code: string, retry: AppError['retry']) => (): ModelEvent => ({
  type: 'failed',
  error: errorOf(code, retry),
  retryAfterMs: null,
});

describe('a review by model', () => {
  it('S46 comes after the rules, and says who judged what, and what it took', async () => {
    const answer = await review({ reviewByModel: reviewerOf(approving) });
    expect(answer).toMatchObject({
      verdict: 'approve',
      reviewer: 'model:judge',
      findings: [],
      tree: expect.stringContaining('tree of'),
    });
    expect(answer).toMatchObject({ calls: [{ provider: 'scripted', model: 'judge', cost_usd: 0.01 }] });
  });

  it('is not asked for where the rules object, where rules are to judge, and in auto where no model did the work', async () => {
    const reviewByModel = reviewerOf(approving);
    const objected = await review({ reviewByModel, conflictMarkers: ['a.txt'] });
    expect(objected).toMatchObject({ verdict: 'request_changes', reviewer: 'rules' });
    for (const setting of ['rules', 'auto'] as const) {
      const answer = await review({ reviewByModel, options: { settings: { review: setting } } });
      expect(answer).toMatchObject({ verdict: 'approve', reviewer: 'rules' });
    }
    expect(reviewByModel.asked).toEqual([]);
  });

  it('is asked for in auto where an agent did the work, with the definition of the reviewer', async () => {
    const definition = (name: string, role: 'worker' | 'reviewer', prompt: string) =>
      ({
        name,
        role,
        prompt,
        description: '',
        runtime: 'builtin',
        model: null,
        tools: null,
        personality: '',
        temperature: null,
        max_tokens: 4000,
        timeout: 30,
        max_turns: 30,
      }) as const;
    const agents = [definition('coder', 'worker', 'I code.'), definition('critic', 'reviewer', 'I judge.')];
    const { run: _, ...given } = task('a');
    const plan = { ...planOf({ a: [] }), tasks: [{ ...given, agent: 'coder' }] };
    const reviewByModel = reviewerOf(approving);
    const answer = await review({ reviewByModel, options: { plan, settings: { review: 'auto', agents } } });
    expect(answer).toMatchObject({ reviewer: 'model:judge' });
    expect(reviewByModel.asked[0]?.system).toMatch(/I judge\.$/);
    expect(reviewByModel.asked[0]?.system).not.toContain('I code.');
  });

  it.each([
    ['gives no verdict', () => 'LGTM', 'AC_MODEL_ANSWER_INVALID', 3],
    ['refuses the key', failing('AC_MODEL_KEY_REFUSED', 'never'), 'AC_MODEL_KEY_REFUSED', 0],
    ['costs more than is left', failing('AC_BUDGET_SPENT', 'never'), 'AC_BUDGET_SPENT', 0],
  ])('S46 is no approval where the model %s', async (_, answer, code, calls) => {
    const answered = await review({ reviewByModel: reviewerOf(answer) });
    expect(answered).toMatchObject({
      verdict: 'request_changes',
      findings: [{ rule: 'review-unavailable', severity: 'error', message: expect.stringContaining(code) }],
    });
    expect('calls' in answered ? answered.calls : null).toHaveLength(calls);
  });

  it('S46 is no approval where there is no model any more', async () => {
    expect(await review({ reviewByModel: null })).toMatchObject({
      verdict: 'request_changes',
      findings: [{ rule: 'review-unavailable', message: expect.stringContaining('AC_REVIEW_MODEL_MISSING') }],
    });
  });

  it('is asked for again where the model is away, until no try is left; never where the engine stops', async () => {
    const reviewByModel = reviewerOf(failing('AC_MODEL_UNREACHABLE', 'later'));
    expect(await review({ reviewByModel })).toMatchObject({ code: 'AC_MODEL_UNREACHABLE' });
    expect(await review({ reviewByModel, more: { isLastTry: true } })).toMatchObject({
      findings: [{ rule: 'review-unavailable' }],
    });
    const stopping = { isLastTry: true, signal: AbortSignal.abort() };
    expect(await review({ reviewByModel, more: stopping })).toMatchObject({ code: 'AC_MODEL_ABORTED' });
  });

  it('S46 approves nothing that the model was not shown, but for what a person is asked about anyway', async () => {
    const reviewByModel = reviewerOf(approving);
    const hidden = { ...change, path: 'generated.js', shown: 'nothing' as const, text: '' };
    expect(await review({ reviewByModel, differences: [change, hidden] })).toMatchObject({
      verdict: 'request_changes',
      findings: [{ rule: 'reviewable-size', path: 'generated.js' }],
    });
    expect(reviewByModel.asked).toEqual([]);
    const world = { ingest: () => ({ protectedPaths: ['generated.js'] }) };
    const answer = await review({ reviewByModel, differences: [change, hidden], options: { world } });
    expect(answer).toMatchObject({ verdict: 'approve' });
  });
});
