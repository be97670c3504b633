import type { DraftedPlan } from '@agentcompany/orchestrator';
import type { Plan, Result } from '@agentcompany/protocol';
import { Option, type Command } from 'commander';
import type { Context } from '../context.ts';
import { driveRuns } from '../drive-runs.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkInstruction } from '../instruction.ts';
import { chooseProject, dollars, positiveInteger, waitingSeconds, wholeNumber } from '../operands.ts';
import { estimateSentence, readEstimate } from '../plan-estimate.ts';
import { planLines } from '../plan-lines.ts';
import { readStaff } from '../plan-staff.ts';
import { reportEnd } from '../report-run.ts';
import { shortId } from '../run-outcome.ts';
import { action, examples, type Session } from '../session.ts';
import { counted } from '../terminal/clean-text.ts';

interface RunOptions {
  readonly project?: string;
  readonly plan?: string;
  readonly detach?: true;
  readonly timeout?: number;
  readonly maxWorkers?: number;
  readonly approvePlan?: true;
  readonly dryRun?: true;
  readonly onFailure?: 'stop' | 'partial';
  readonly idempotencyKey?: string;
  readonly budget?: number;
  readonly budgetTokens?: number;
}

const maxInstructionBytes = 65_536;
const maxPlanBytes = 4 * 1024 * 1024;

async function usage(problem: string): Promise<Result<never>> {
  const { cliErrors } = await import('../errors.ts');
  return { ok: false, error: cliErrors.AC_USAGE({ problem, help: 'agentcompany run --help' }) };
}

async function readPlan(
  context: Context,
  file: string | undefined,
  project: string | undefined,
): Promise<Result<Plan | null>> {
  if (file === undefined) return { ok: true, value: null };
  const staff = await readStaff(context, project);
  if (!staff.ok) return staff;
  const { loadPlanFile, parsePlan } = await import('@agentcompany/orchestrator/plan-file');
  const path = await import('node:path');
  if (file !== '-') return loadPlanFile(path.resolve(context.io.cwd, file), staff.value);
  const text = await context.io.readStdin(maxPlanBytes);
  return text.ok ? parsePlan(text.value, { name: 'standard input', folder: context.io.cwd }, staff.value) : text;
}

async function readInstruction(
  context: Context,
  given: string | undefined,
  plan: Plan | null,
): Promise<Result<string>> {
  if (given !== '-') return { ok: true, value: given ?? plan?.title ?? '' };
  return context.io.readStdin(maxInstructionBytes);
}

interface Order {
  readonly projectId: string;
  readonly instruction: string;
  readonly plan: Plan | null;
}

async function readOrder(
  context: Context,
  root: Command,
  given: string | undefined,
  options: RunOptions,
): Promise<Result<Order>> {
  if (given === '-' && options.plan === '-')
    return usage('standard input can be the instruction or the plan, not both');
  if (given !== undefined && given !== '-') {
    const early = await checkInstruction(given, root);
    if (!early.ok) return early;
  }
  const plan = await readPlan(context, options.plan, options.project);
  if (!plan.ok) return plan;
  const text = await readInstruction(context, given, plan.value);
  if (!text.ok) return text;
  const instruction = await checkInstruction(text.value, root);
  if (!instruction.ok) return instruction;
  const projectId = await chooseProject(context, options.project);
  return projectId.ok
    ? { ok: true, value: { projectId: projectId.value, instruction: instruction.value, plan: plan.value } }
    : projectId;
}

/** `--dry-run`: the plan as a run would get it; without a plan file the model makes it, which costs what it costs. */
async function showOrder(context: Context, order: Order): Promise<number> {
  const shown = order.plan === null ? await draft(context, order) : await showPlan(context, order, order.plan, []);
  if (shown === 0) context.talk(`Nothing was started: this is what project ${order.projectId} would get.`);
  return shown;
}

async function showPlan(context: Context, order: Order, plan: Plan, calls: DraftedPlan['calls']): Promise<number> {
  const { projectId, instruction } = order;
  const estimate = await readEstimate(context, plan);
  if (context.json) {
    const made = calls.length === 0 ? {} : { planning: { calls } };
    context.document({
      version: 1,
      project_id: projectId,
      instruction,
      plan,
      ...made,
      ...(estimate === null ? {} : { estimate }),
    });
  } else for (const line of planLines(plan, context.io.stdout.columns)) context.data(line);
  if (estimate !== null) context.talk(estimateSentence(estimate));
  return exitCodes.ok;
}

async function draft(context: Context, order: Order): Promise<number> {
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    return await context.withCompany({}, async (company) => {
      const drafted = await company.draftPlan(order, interrupt.signal);
      if (interrupt.signal.aborted) return exitCodes.interrupted;
      if (!drafted.ok) return context.fail(drafted.error);
      const { plan, calls } = drafted.value;
      context.talk(`Planned by a model: ${sayCost(calls)}. Keep the plan with --json to start exactly this one.`);
      return showPlan(context, order, plan, calls);
    });
  } finally {
    release();
  }
}

function sayCost(calls: DraftedPlan['calls']): string {
  const tokens = calls.reduce(
    (sum, { usage }) => sum + usage.input + usage.cache_read + usage.cache_write + usage.output,
    0,
  );
  const known = calls.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0);
  const isPriced = calls.every(({ cost_usd }) => cost_usd !== null);
  return `${counted(calls.length, 'call')}, ${counted(tokens, 'token')}, ${isPriced ? `$${known.toFixed(4)}` : 'unpriced'}`;
}

async function submit(context: Context, order: Order, options: RunOptions): Promise<number> {
  const flags = options.maxWorkers === undefined ? {} : { max_workers: options.maxWorkers };
  return context.withCompany(flags, async (company, config) => {
    const submitted = await company.submit({
      ...order,
      ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      settings: {
        ...(options.onFailure === undefined ? {} : { on_failure: options.onFailure }),
        ...(options.budget === undefined ? {} : { budget_usd: options.budget }),
        ...(options.budgetTokens === undefined ? {} : { budget_tokens: options.budgetTokens }),
        ...(options.approvePlan === true ? { approvals: { ...config.approvals, plan: 'person' as const } } : {}),
      },
    });
    if (!submitted.ok) return context.fail(submitted.error);
    const { runId } = submitted.value;
    if (options.detach === true) {
      if (context.json) context.document({ version: 1, run_id: runId });
      else context.data(runId);
      const pid = await company.enginePid();
      context.talk(
        pid === null
          ? 'No engine is at work: `agentcompany resume` carries it out.'
          : `The engine (pid ${pid}) carries it out; follow with \`agentcompany watch ${shortId(runId)}\`.`,
      );
      return 0;
    }
    context.talk(`Run ${shortId(runId)}; to follow: \`agentcompany watch ${shortId(runId)}\``);
    const timeoutSeconds = options.timeout ?? null;
    return reportEnd(
      context,
      await driveRuns(context, company, { runs: [runId], timeoutSeconds }),
      [runId],
      timeoutSeconds,
    );
  });
}

/** `run`: one instruction in, one pull request out. */
export function addRun(program: Command, session: Session): void {
  const command = program
    .command('run')
    .alias('execute')
    .summary('carry out an instruction, to one pull request')
    .description('Carries out an instruction and ends with one pull request. `-` reads standard input.')
    .argument('[instruction]', 'what shall be done; the title of the plan where absent')
    .option('-p, --project <id>', 'project to work on; the only one where absent')
    .option('--plan <file>', 'plan file, YAML or JSON (docs/plan-files.md); a model plans where absent')
    .addOption(new Option('--wait', 'work and show it until the end (default)').conflicts('detach'))
    .option('--detach', 'only put it on record; prints the id of the run')
    .option('--timeout <seconds>', 'stop waiting after this time, exit 124', waitingSeconds)
    .option('--max-workers <n>', 'containers at work at once', positiveInteger)
    .option('--approve-plan', 'wait for your approval of the plan before work starts')
    .addOption(new Option('--on-failure <policy>', 'when a task fails for good').choices(['stop', 'partial']))
    .option('--budget <usd>', 'US dollars its models may cost', dollars)
    .option('--budget-tokens <n>', 'tokens its models may take', wholeNumber)
    .option('--idempotency-key <key>', 'the same key again is the same run')
    .option('--dry-run', 'check and show the plan, start nothing')
    .action(
      action<RunOptions>(session, async (context, [given], options) => {
        const order = await readOrder(context, program, given, options);
        if (!order.ok) return context.fail(order.error);
        return options.dryRun === true ? showOrder(context, order.value) : submit(context, order.value, options);
      }),
    );
  examples(
    command,
    'agentcompany run "Name the license everywhere" --project tool --plan plan.yaml',
    'agentcompany run --plan plan.yaml --dry-run',
    'git log -3 | agentcompany run - --project tool --detach',
  );
}
