import {
  failure,
  firstProblem,
  success,
  type AgentDefinition,
  type Finding,
  type Result,
} from '@agentcompany/protocol';
import { z } from 'zod';
import type { Run } from '../../company/records.ts';
import { askForValue } from '../../models/ask-for-value.ts';
import type { CallRecord, Model } from '../../models/model.ts';
import { simpleSchema } from '../../models/simple-schema.ts';
import { showHidden } from '../../text/hidden-text.ts';
import { reviewQuestion, reviewRules, type ReviewOrder } from './review-words.ts';

/** A model's judgement of one tree. */
export interface ModelVerdict {
  readonly verdict: 'approve' | 'request_changes' | 'reject';
  readonly findings: readonly Finding[];
  /** As the provider calls it. */
  readonly model: string;
}

export interface ReviewCalling {
  readonly signal: AbortSignal;
  /** Told of every request, also where no verdict comes out. */
  readonly onCall: (call: CallRecord) => void;
}

/** The company's reviewer, as a person defined it; none where nobody did. */
export type ReviewerDefinition = Pick<
  AgentDefinition,
  'model' | 'personality' | 'prompt' | 'temperature' | 'max_tokens' | 'timeout'
>;

/** Judges by a model: of its own choice of model, or that of the definition. */
export type ModelReviewer = (
  order: ReviewOrder & { readonly run: Run; readonly attemptId: string },
  definition: ReviewerDefinition | null,
  calling: ReviewCalling & {
    /** Told of every request whose answer was paid before. */
    readonly onAgain: (call: CallRecord) => void;
  },
) => Promise<Result<ModelVerdict>>;

/** Findings kept of one review, and characters of each. */
export const maximumFindings = 100;
const shownMessage = 2000;
const repairs = 2;
const ordinary = { temperature: null, max_tokens: 8000, timeout: 300, personality: '', prompt: '' } as const;

const verdictSchema = z.object({
  review: z.string(),
  verdict: z.enum(['approve', 'request_changes', 'reject']),
  findings: z.array(
    z.object({
      path: z.string().nullable().default(null),
      line: z.int().nullable().default(null),
      severity: z.enum(['error', 'warning', 'note']),
      message: z.string(),
    }),
  ),
});
const form = { name: 'verdict', schema: simpleSchema(z.toJSONSchema(verdictSchema, { io: 'input' })) };

/**
 * Asks a model, which has no tools, for its verdict (S46). An answer counts only if it has the form and repeats the name of the review,
 * which no part of what is judged can hold: a verdict that stands in a diff, quoted or not, is none (S41). Errors: `AC_MODEL_ANSWER_INVALID`, those of
 * the call.
 */
export async function reviewWithModel(
  model: Model,
  order: ReviewOrder,
  definition: ReviewerDefinition | null,
  calling: ReviewCalling,
): Promise<Result<ModelVerdict>> {
  const { temperature, max_tokens: maxOutputTokens, timeout, personality, prompt } = definition ?? ordinary;
  const { review, question } = reviewQuestion(order);
  return askForValue(
    model,
    {
      system: [reviewRules, personality, prompt].filter((words) => words.trim() !== '').join('\n\n'),
      question,
      form,
      tools: [],
      maxOutputTokens,
      temperature,
      repairs,
      accept: (value) => acceptVerdict(value, { review, order, model: model.name }),
    },
    { signal: calling.signal, timeoutMs: timeout * 1000, onCall: calling.onCall },
  );
}

function acceptVerdict(
  value: unknown,
  { review, order, model }: { readonly review: string; readonly order: ReviewOrder; readonly model: string },
): Result<ModelVerdict, string> {
  const parsed = verdictSchema.safeParse(value);
  if (!parsed.success) return failure(firstProblem(parsed.error));
  const { verdict, findings } = parsed.data;
  if (parsed.data.review !== review) return failure(`review: ${review} is expected`);
  const isBlocked = findings.some(({ severity }) => severity === 'error');
  if (verdict !== 'approve' && !isBlocked) return failure('findings: at least one of severity "error" is expected');
  const known = new Set(order.differences.map(({ path }) => path));
  return success({
    // Who approves and names an error in one breath has not approved.
    verdict: verdict === 'approve' && isBlocked ? 'request_changes' : verdict,
    findings: findings.slice(0, maximumFindings).map((finding) => toFinding(finding, known)),
    model,
  });
}

/** What a model says may be what a diff made it say: names of files that exist, text that hides nothing. */
function toFinding(
  { path, line, severity, message }: z.infer<typeof verdictSchema>['findings'][number],
  known: ReadonlySet<string>,
): Finding {
  const isKnown = path !== null && known.has(path);
  return {
    rule: 'model',
    severity,
    path: isKnown ? path : null,
    line: isKnown && line !== null && line > 0 ? line : null,
    message: showHidden(message.trim()).slice(0, shownMessage) || '(nothing was said)',
  };
}
