import { errorCatalogue } from '@agentcompany/protocol';

/** Why nobody judged. */
export const reviewerErrors = errorCatalogue({
  AC_REVIEW_MODEL_MISSING: {
    message: 'a model is to review, and none is configured',
    remedy: 'Set `reviewer_model` or `model` (docs/models.md), or set `review` to "rules".',
    retry: 'never',
  },
});
