import { reviewWithModel, type ModelReviewer } from '../agents/reviewer/review-with-model.ts';
import { reviewWork } from '../company/budget.ts';
import type { Config } from '../config.ts';
import { openModel, type ModelsOptions } from '../open-models.ts';
import { paidModel, type PayingOptions } from './paid-model.ts';

type ReviewConfig = Pick<Config, 'model' | 'fallback_model' | 'reviewer_model'>;

/** The model that reviews where the reviewer's definition names none: by default another than the one that works; null: none is configured. */
export function reviewerModel({ reviewer_model, fallback_model, model }: ReviewConfig): string | null {
  return reviewer_model ?? fallback_model ?? model;
}

/**
 * Reviews by the reviewer's model, which is opened for each review: another session than any author's. A verdict that was paid and lost
 * before it was on record is not paid again. Null where none is configured.
 */
export function openModelReviewer(
  options: ModelsOptions & { readonly config: ModelsOptions['config'] & ReviewConfig } & PayingOptions,
): ModelReviewer | null {
  const ordinary = reviewerModel(options.config);
  if (ordinary === null) return null;
  return async (order, definition, calling) => {
    const model = await openModel(options, definition?.model ?? ordinary);
    if (!model.ok) return model;
    const { run, attemptId } = order;
    const work = { run, scope: reviewWork(attemptId), onAgain: calling.onAgain };
    const paid = await paidModel(model.value, work, options);
    return paid.ok ? reviewWithModel(paid.value, order, definition, calling) : paid;
  };
}
