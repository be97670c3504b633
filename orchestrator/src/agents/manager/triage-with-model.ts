import {
  commandAgent,
  failure,
  firstProblem,
  success,
  taskSchema,
  type AgentDefinition,
  type PlanRevision,
  type Result,
  type Task,
} from '@agentcompany/protocol';
import { z } from 'zod';
import { failureFeedback } from '../../company/decide/failure-feedback.ts';
import type { Run } from '../../company/records.ts';
import { askForValue } from '../../models/ask-for-value.ts';
import type { CallRecord, Model } from '../../models/model.ts';
import { simpleSchema } from '../../models/simple-schema.ts';
import { showHidden } from '../../text/hidden-text.ts';
import { personaWords } from '../persona-words.ts';
import { proposeRevision } from './propose-revision.ts';
import { triageQuestion, triageRules, type TriageOrder } from './triage-words.ts';

/** What a model decided about a failing task. */
export interface TriageDecision {
  readonly decision: 'retry' | 'revise' | 'split' | 'person';
  readonly reason: string;
  readonly advice: string;
  readonly revision: PlanRevision | null;
  /** The model, as its provider calls it. */
  readonly manager: string;
}

export interface TriageCalling {
  readonly signal: AbortSignal;
  /** Told of every request, also where no decision comes out. */
  readonly onCall: (call: CallRecord) => void;
}

/** Triages by the Manager's model; `onAgain` is told of every request whose answer was paid before. */
export type Triager = (
  order: TriageOrder,
  definition: AgentDefinition | null,
  calling: TriageCalling & { readonly onAgain: (call: CallRecord) => void },
) => Promise<Result<TriageDecision>>;

const repairs = 2;
const ordinary = { temperature: null, max_tokens: 8000, timeout: 300 } as const;
const maximumParts = 10;
const maximumAdvice = 4000;
const maximumReason = 1000;

const partSchema = taskSchema.extend({
  instructions: z.string().trim().min(1, 'must say what is wanted').max(65_536),
});
const answerSchema = z.object({
  triage: z.string(),
  decision: z.enum(['retry', 'revise', 'split', 'person']),
  reason: z.string().trim().min(1, 'must say why'),
  advice: z.string().trim().default(''),
  tasks: z.array(partSchema).max(maximumParts).default([]),
});
type Answer = z.infer<typeof answerSchema>;
const form = { name: 'triage', schema: simpleSchema(z.toJSONSchema(answerSchema, { io: 'input' })) };

/**
 * Asks a model, which has no tools, what is to become of a task that keeps failing. An answer counts only if it has the form, repeats the
 * name of the triage, and proposes what the plan can take; what is wrong with it is given back twice. Errors: `AC_MODEL_ANSWER_INVALID`,
 * those of the call.
 */
export async function triageWithModel(
  model: Model,
  order: TriageOrder,
  definition: AgentDefinition | null,
  { signal, onCall }: TriageCalling,
): Promise<Result<TriageDecision>> {
  const { temperature, max_tokens: maxOutputTokens, timeout } = definition ?? ordinary;
  const { triage, question } = triageQuestion(order);
  return askForValue(
    model,
    {
      system: [...personaWords(definition), triageRules].join('\n\n'),
      question,
      form,
      tools: [],
      maxOutputTokens,
      temperature,
      repairs,
      accept: (value) => acceptTriage(value, { triage, order, model: model.name }),
    },
    { signal, timeoutMs: timeout * 1000, onCall },
  );
}

function acceptTriage(
  value: unknown,
  { triage, order, model }: { readonly triage: string; readonly order: TriageOrder; readonly model: string },
): Result<TriageDecision, string> {
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) return failure(firstProblem(parsed.error));
  const { decision, reason, advice } = parsed.data;
  if (parsed.data.triage !== triage) return failure(`triage: ${triage} is expected`);
  const problem = findMissing(parsed.data, order);
  if (problem !== null) return failure(problem);
  const revision = decision === 'revise' || decision === 'split' ? proposed(parsed.data, order) : success(null);
  if (!revision.ok) return failure(revision.error);
  return success({
    decision,
    // What failed may have made the model say it: text that hides nothing, and not too much of it.
    reason: showHidden(reason).slice(0, maximumReason),
    advice: showHidden(advice).slice(0, maximumAdvice),
    revision: revision.value,
    manager: model,
  });
}

/** What the answer lacks for its decision, in words for the model; null: nothing. */
function findMissing({ decision, advice, tasks }: Answer, { task, agents }: TriageOrder): string | null {
  if (decision === 'retry' && advice === '' && task.spec.agent !== commandAgent)
    return 'advice: say what the next attempt must know';
  if (decision === 'revise' && tasks.length !== 1) return 'tasks: exactly one is expected for "revise"';
  if (decision === 'split' && tasks.length < 2) return 'tasks: two or more are expected for "split"';
  const known = [commandAgent, ...agents.map(({ name }) => name)];
  const stranger = tasks.findIndex(({ agent }) => !known.includes(agent));
  if (stranger >= 0) return `tasks.${stranger}.agent: one of ${known.join(', ')} is expected`;
  const twice = tasks.findIndex(({ id }, index) => tasks.findIndex((other) => other.id === id) !== index);
  return twice >= 0 ? `tasks.${twice}.id: it is there twice` : null;
}

function proposed({ tasks, reason }: Answer, { run, task, attempt }: TriageOrder): Result<PlanRevision | null, string> {
  if (attempt.error === null) return failure('nothing is known of the failure');
  const failed = failureFeedback(attempt.error, attempt);
  const why = showHidden(reason).slice(0, maximumReason);
  const feedback = { ...failed, reason: 'triage' as const, message: `${why}\nWhat failed before: ${failed.message}` };
  const parts = tasks.map((part) => withLimits(part, task.spec));
  const revision = proposeRevision(run, { task, parts, reason: why, feedback });
  return revision.ok ? success(revision.value) : failure(revision.error.message);
}

/** What the task was granted besides what is asked of it stays as it was: a model neither raises a budget nor gives itself more time. */
function withLimits(part: Task, { budget_usd, timeout, model }: Task): Task {
  const { budget_usd: _, ...rest } = part;
  return {
    ...rest,
    ...(budget_usd === undefined ? {} : { budget_usd }),
    ...(part.timeout === undefined && timeout !== undefined ? { timeout } : {}),
    ...(part.model === undefined && model !== undefined && part.agent !== commandAgent ? { model } : {}),
  };
}

/** The Manager of a run, and those it may give work to. */
export function triageStaff({
  settings,
}: Run): Pick<TriageOrder, 'agents'> & { readonly manager: AgentDefinition | null } {
  return {
    agents: settings.agents.filter(({ role }) => role === 'worker'),
    manager: settings.agents.find(({ role }) => role === 'manager') ?? null,
  };
}
