import type {
  CleanReport,
  Company,
  DraftedPlan,
  GivenBudget,
  LogChoice,
  OpenQuestion,
  PlanChange,
  ReviseRequest,
  RunView,
  StreamEntry,
  SubmitRequest,
  TaskView,
  TellRequest,
  ToldTask,
  WorkersView,
} from '@agentcompany/orchestrator';
import { homeAt } from '@agentcompany/orchestrator/company-home';
import { orchestratorErrors } from '@agentcompany/orchestrator/errors';
import {
  failure,
  newId,
  success,
  type AppError,
  type EnvelopeType,
  type Plan,
  type Result,
} from '@agentcompany/protocol';

type PullRequests = Extract<Awaited<ReturnType<Company['listPullRequests']>>, { readonly ok: true }>['value'];

/** A run as tests describe it; the rest is filled in. */
export type RunSketch = Partial<RunView> & { readonly run_id: string };

export function sketchRun(sketch: RunSketch): RunView {
  return {
    project_id: 'tool',
    title: 'Name the license',
    state: 'running',
    created_at: '2026-11-20T12:00:00.000Z',
    updated_at: '2026-11-20T12:01:00.000Z',
    tasks: {},
    error: null,
    pull_request: null,
    cost: { usd: 0, unpriced_calls: 0, tokens: 0, calls: 0, estimated: false },
    budget: { usd: null, tokens: null },
    instruction: 'Name the license everywhere',
    settings: {
      max_attempts: 3,
      max_review_rounds: 3,
      command_timeout: 300,
      worker_memory_bytes: 2 ** 31,
      worker_cpus: 2,
      on_failure: 'stop',
      approvals: { plan: 'auto', protected_paths: 'person' },
      default_branch: 'main',
      integration_branch: 'main',
      image: null,
      devcontainer: false,
      verify: [],
      agents: [],
      review: 'rules',
      budget_usd: null,
      budget_tokens: null,
      fallback_model: null,
      egress: null,
      max_triages: 0,
      quiet_seconds: 0,
    },
    base_oid: null,
    tip_oid: null,
    images: [],
    plan_hash: null,
    plan_revision: 1,
    task_list: [],
    approvals: [],
    questions: [],
    ...sketch,
  };
}

export function sketchTask(task_id: string, state: string, more: Partial<TaskView> = {}): TaskView {
  return {
    task_id,
    title: `Do ${task_id}`,
    state,
    depends_on: [],
    superseded_by: null,
    error: null,
    attempts: [],
    notes: [],
    ...more,
  };
}

/**
 * A company in memory for tests of arguments, rendering and exit codes. It keeps the facade's promises about unknown and
 * ended runs; what `drive` does is the test's to say.
 */
export class FakeCompany implements Company {
  logPieces: readonly Result<string>[] = [];
  isLogEndless = false;
  workers: WorkersView = { workers: [], set_aside: [] };
  readonly home = homeAt('/nowhere');
  readonly runs = new Map<string, RunView>();
  readonly calls: string[] = [];
  readonly submitted: SubmitRequest[] = [];
  pullRequests: PullRequests = [];
  log = '';
  pid: number | null = null;
  closed = false;
  /** What the engine does to the runs when it is driven. */
  onDrive: (signal: AbortSignal) => Promise<Result<undefined>> = async () => success();
  readonly #entries = new Map<string, StreamEntry[]>();
  readonly #waiting = new Set<() => void>();

  constructor(...runs: readonly RunSketch[]) {
    for (const run of runs) this.runs.set(run.run_id, sketchRun(run));
  }

  /** Records an envelope in the run's stream, or for progress beside it. */
  record(runId: string, type: EnvelopeType, payload: Record<string, unknown>, taskId?: string): void {
    const stream = type === 'task_progress' ? `${runId}/progress` : runId;
    const all = this.#entries.get(runId) ?? [];
    const seq = all.filter((entry) => entry.stream === stream).length + 1;
    const context = { run_id: runId, ...(taskId === undefined ? {} : { task_id: taskId }) };
    const envelope = {
      version: '1' as const,
      id: newId(),
      sender: 'engine',
      recipient: 'engine',
      envelope_type: type,
      payload,
      context,
      inReplyTo: null,
      created_at: '2026-11-20T12:00:00.000Z',
    };
    this.#entries.set(runId, [...all, { stream, seq, position: all.length + 1, envelope }]);
    for (const wake of this.#waiting) wake();
  }

  change(runId: string, changes: Partial<RunView>): void {
    const run = this.runs.get(runId);
    if (run === undefined) throw new Error(`no run ${runId}`);
    this.runs.set(runId, { ...run, ...changes });
  }

  /** What is asked of the bus is tested with a real one. */
  get bus(): Company['bus'] {
    throw new Error('this company has no bus');
  }

  /** What is cleaned is tested with a real home. */
  cleaning: CleanReport = {
    dry_run: true,
    engine_running: false,
    items: [],
    kept: [],
    problems: [],
    bytes_freed: 0,
  };

  async clean({ dryRun }: { readonly dryRun: boolean }): Promise<Result<CleanReport>> {
    this.calls.push(`clean ${dryRun}`);
    return success({ ...this.cleaning, dry_run: dryRun });
  }

  async submit(request: SubmitRequest): Promise<Result<{ readonly runId: string }>> {
    this.submitted.push(request);
    const runId = newId();
    this.runs.set(
      runId,
      sketchRun({ run_id: runId, state: 'pending', title: request.plan?.title ?? request.instruction }),
    );
    this.record(runId, 'task_submit', { project_id: request.projectId, instruction: request.instruction });
    return success({ runId });
  }

  /** What the model would plan; null: no model is configured. */
  drafted: DraftedPlan | null = null;

  async draftPlan(): Promise<Result<DraftedPlan>> {
    return this.drafted === null
      ? failure(orchestratorErrors.AC_MODEL_UNAVAILABLE({ detail: 'none is configured' }))
      : success(this.drafted);
  }

  async listRuns(): Promise<Result<readonly RunView[]>> {
    return success([...this.runs.values()]);
  }

  async showRun(id: string): Promise<Result<RunView>> {
    if (this.closed) throw new Error('the company was closed');
    const found = [...this.runs.values()].filter((run) => run.run_id.startsWith(id));
    const [first, second] = found;
    if (first === undefined || id === '') return failure(orchestratorErrors.AC_RUN_UNKNOWN({ run: id }));
    if (second !== undefined)
      return failure(
        orchestratorErrors.AC_RUN_AMBIGUOUS({ run: id, candidates: found.map((run) => run.run_id).join(', ') }),
      );
    return success(first);
  }

  async *timeline(
    id: string,
    options: { readonly after: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<StreamEntry> {
    let next = 0;
    for (;;) {
      const all = this.#entries.get(id) ?? [];
      for (; next < all.length; next += 1) {
        const entry = all[next];
        if (entry !== undefined && (entry.stream !== id || entry.seq > options.after)) yield entry;
      }
      if (!options.follow || options.signal.aborted || this.closed) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          options.signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        options.signal.addEventListener('abort', wake);
      });
    }
  }

  async #steer(id: string, what: string): Promise<Result<undefined, AppError>> {
    const run = await this.showRun(id);
    if (!run.ok) return run;
    if (['completed', 'failed', 'cancelled'].includes(run.value.state))
      return failure(orchestratorErrors.AC_RUN_ENDED({ run: id, state: run.value.state }));
    this.calls.push(`${what} ${id}`);
    return success();
  }

  async workerLog(
    id: string,
    options: { readonly taskId?: string; readonly maxBytes: number },
  ): Promise<Result<string>> {
    const run = await this.showRun(id);
    this.calls.push(`log ${options.taskId ?? 'latest'} ${options.maxBytes}`);
    return run.ok ? success(this.log) : run;
  }

  async *followLog(id: string, options: LogChoice & { readonly signal: AbortSignal }): AsyncIterable<Result<string>> {
    this.calls.push(`follow ${id} ${options.attemptId ?? options.taskId ?? 'latest'}`);
    yield* this.logPieces;
    if (this.isLogEndless) await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
  }

  async listWorkers(): Promise<Result<WorkersView>> {
    return success(this.workers);
  }

  async answerApproval(
    id: string,
    answer: { readonly decision: 'approve' | 'reject'; readonly comment: string },
  ): Promise<Result<undefined>> {
    const run = await this.showRun(id);
    if (!run.ok) return run;
    if (run.value.approvals.length === 0) return failure(orchestratorErrors.AC_APPROVAL_NONE({ run: id }));
    this.calls.push(`${answer.decision} ${id} ${answer.comment}`);
    return success();
  }

  async listQuestions(id?: string): Promise<Result<readonly OpenQuestion[]>> {
    if (id !== undefined) {
      const run = await this.showRun(id);
      if (!run.ok) return run;
      return success(run.value.questions.map((question) => ({ run_id: run.value.run_id, ...question })));
    }
    return success(
      [...this.runs.values()].flatMap((run) => run.questions.map((question) => ({ run_id: run.run_id, ...question }))),
    );
  }

  async answerQuestion(id: string, text: string): Promise<Result<OpenQuestion>> {
    const open = await this.listQuestions();
    const question = open.ok ? open.value.find((candidate) => candidate.question_id.startsWith(id)) : undefined;
    if (question === undefined)
      return failure({
        code: 'AC_QUESTION_UNKNOWN',
        message: `no question ${id}`,
        cause: null,
        remedy: 'List them.',
        retry: 'never',
      });
    this.calls.push(`answer ${question.question_id} ${text}`);
    return success(question);
  }

  /** What `plan show --file` gives. */
  plan: Plan | null = null;
  /** What comes of a change of a plan. */
  planChange: Partial<PlanChange> = {};
  readonly revised: ReviseRequest[] = [];

  async currentPlan(id: string): Promise<Result<Plan>> {
    return this.plan === null ? failure(orchestratorErrors.AC_RUN_UNKNOWN({ run: id })) : success(this.plan);
  }

  async revisePlan(id: string, request: ReviseRequest): Promise<Result<PlanChange>> {
    const run = await this.showRun(id);
    if (!run.ok) return run;
    this.revised.push(request);
    const nothing = { add: [], change: [], supersede: [], remove: [], whole: false, asks_approval: false };
    return success({ run_id: run.value.run_id, state: run.value.state, revision: 2, ...nothing, ...this.planChange });
  }

  async tellTask({ runId, taskId, note }: TellRequest): Promise<Result<ToldTask>> {
    const run = await this.showRun(runId ?? [...this.runs.keys()][0] ?? '');
    if (!run.ok) return run;
    this.calls.push(`tell ${taskId} ${note}`);
    const heard = 'before its next turn';
    return success({ run_id: run.value.run_id, task_id: taskId, note_id: newId(), state: 'running', heard });
  }

  cancelRun(id: string, reason: string): Promise<Result<undefined>> {
    return this.#steer(id, `cancel (${reason})`);
  }

  pauseRun(id: string): Promise<Result<undefined>> {
    return this.#steer(id, 'pause');
  }

  resumeRun(id: string, budget?: GivenBudget): Promise<Result<undefined>> {
    const given = Object.entries(budget ?? {}).map(([name, value]) => ` ${name} ${value}`);
    return this.#steer(id, `resume${given.join('')}`);
  }

  async openRuns(): Promise<Result<readonly string[]>> {
    return success(
      [...this.runs.values()]
        .filter((run) => !['completed', 'failed', 'cancelled'].includes(run.state))
        .map((run) => run.run_id),
    );
  }

  async drive(options: {
    readonly runs?: readonly string[];
    readonly signal: AbortSignal;
  }): Promise<Result<undefined>> {
    this.calls.push(`drive ${options.runs?.join(' ') ?? 'all'}`);
    return this.pid === null
      ? this.onDrive(options.signal)
      : failure(orchestratorErrors.AC_ENGINE_RUNNING({ pid: this.pid }));
  }

  async enginePid(): Promise<number | null> {
    return this.pid;
  }

  async listPullRequests(projectId?: string): Promise<Result<PullRequests>> {
    return success(
      this.pullRequests.filter((pullRequest) => (projectId ?? pullRequest.project_id) === pullRequest.project_id),
    );
  }

  async #pullRequest(projectId: string, number: number): Promise<Result<PullRequests[number]>> {
    const found = this.pullRequests.find(
      (pullRequest) => pullRequest.project_id === projectId && pullRequest.number === number,
    );
    if (found !== undefined) return success(found);
    return failure({
      code: 'AC_PULL_REQUEST_UNKNOWN',
      message: `no pull request ${number}`,
      cause: null,
      remedy: 'List them.',
      retry: 'never',
    });
  }

  async showPullRequest(
    projectId: string,
    number: number,
  ): Promise<Result<PullRequests[number] & { readonly diffstat: string }>> {
    const found = await this.#pullRequest(projectId, number);
    return found.ok ? success({ ...found.value, diffstat: ' package.json | 1 +' }) : found;
  }

  async mergePullRequest(projectId: string, number: number): Promise<Result<PullRequests[number]>> {
    const found = await this.#pullRequest(projectId, number);
    return found.ok ? success({ ...found.value, state: 'merged', merge_oid: 'f'.repeat(40) }) : found;
  }

  async exportState(): Promise<Result<string>> {
    return success('{"runs":[]}');
  }

  async rebuildState(): Promise<Result<{ readonly runs: number }>> {
    return success({ runs: this.runs.size });
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const wake of this.#waiting) wake();
  }
}
