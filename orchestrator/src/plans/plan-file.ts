import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Plan, type Result, type Task, type TaskRun } from '@agentcompany/protocol';
import { describePlanIssue, findPlanProblem, type PlanProblem } from '../company/plan-check.ts';
import { orchestratorErrors as errors } from '../errors.ts';
import { parsePlanDocument, PlanSyntaxError, type PlanDocument } from './plan-document.ts';
import { planFileSchema, type ScriptFileRun } from './plan-file-schema.ts';

const maxPlanBytes = 4 * 1024 * 1024;
const maxScriptBytes = 1024 * 1024;
const interpreters: Readonly<Record<string, 'node' | 'sh'>> = {
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.ts': 'node',
  '.sh': 'sh',
};

/** Where a plan's text came from: `name` for messages, `folder` is what `script_file` is relative to. */
export interface PlanOrigin {
  readonly name: string;
  readonly folder: string;
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** `script` as an absolute file below `folder`, after following links; null where it leads out. */
function insideFolder(folder: string, script: string): string | null {
  const file = realpathSync(path.resolve(folder, script));
  return file.startsWith(realpathSync(folder) + path.sep) ? file : null;
}

function readScript(
  run: ScriptFileRun,
  folder: string,
  where: string,
): Result<{ readonly script: string; readonly interpreter: 'node' | 'sh' }> {
  const refuse = (problem: string, cause?: unknown) =>
    failure(errors.AC_PLAN_SCRIPT_REFUSED({ script: run.script_file, problem, where }, cause));
  try {
    const file = insideFolder(folder, run.script_file);
    if (file === null) return refuse('it lies outside the folder of the plan file');
    const details = statSync(file);
    if (!details.isFile()) return refuse('it is not a file');
    if (details.size > maxScriptBytes) return failure(errors.AC_PLAN_TOO_LARGE({ file, limit: maxScriptBytes }));
    const script = decode(readFileSync(file));
    if (script === null || script === '') return refuse(script === '' ? 'it is empty' : 'it is not UTF-8 text');
    const interpreter = run.interpreter ?? interpreters[path.extname(file)];
    if (interpreter === undefined) return refuse('its name does not tell the interpreter: say interpreter: node or sh');
    return success({ script, interpreter });
  } catch (cause) {
    return refuse('it cannot be read', cause);
  }
}

/**
 * Reads a plan from the text of a plan file (YAML or JSON), puts the scripts it names into it, and checks it.
 * Messages name the field and its line. Errors: `AC_PLAN_TOO_LARGE` (4 MiB), `AC_PLAN_SCRIPT_REFUSED`, and those of `checkPlan`.
 */
export function parsePlan(text: string, origin: PlanOrigin): Result<Plan> {
  if (Buffer.byteLength(text) > maxPlanBytes)
    return failure(errors.AC_PLAN_TOO_LARGE({ file: origin.name, limit: maxPlanBytes }));
  const place = (line: number | null): string => (line === null ? ` (${origin.name})` : ` (${origin.name}:${line})`);
  let document: PlanDocument;
  try {
    document = parsePlanDocument(text);
  } catch (cause) {
    if (!(cause instanceof PlanSyntaxError)) throw cause;
    return failure(errors.AC_PLAN_INVALID({ problem: cause.message, where: place(cause.line) }));
  }
  const refuse = (found: PlanProblem) => failure(found.error(place(document.lineOf(found.path))));
  const parsed = planFileSchema.safeParse(document.value);
  if (!parsed.success) return refuse(describePlanIssue(parsed.error));
  const tasks: Task[] = [];
  for (const [index, task] of parsed.data.tasks.entries()) {
    const where = place(document.lineOf(['tasks', index, 'run', 'script_file']));
    const { run, ...rest } = task;
    const read: Result<TaskRun | null> =
      run !== undefined && 'script_file' in run ? readScript(run, origin.folder, where) : success(run ?? null);
    if (!read.ok) return read;
    tasks.push({ ...rest, ...(read.value === null ? {} : { run: read.value }) });
  }
  const plan: Plan = { ...parsed.data, tasks };
  const found = findPlanProblem(plan);
  return found === null ? success(plan) : refuse(found);
}

/** Reads a plan file. Errors: `AC_PLAN_UNREADABLE`, and those of `parsePlan`. */
export function loadPlanFile(file: string): Result<Plan> {
  try {
    const details = statSync(file);
    if (!details.isFile()) return failure(errors.AC_PLAN_UNREADABLE({ file }, 'it is not a file'));
    if (details.size > maxPlanBytes) return failure(errors.AC_PLAN_TOO_LARGE({ file, limit: maxPlanBytes }));
    const text = decode(readFileSync(file));
    if (text === null) return failure(errors.AC_PLAN_UNREADABLE({ file }, 'it is not UTF-8 text'));
    return parsePlan(text, { name: file, folder: path.dirname(path.resolve(file)) });
  } catch (cause) {
    return failure(errors.AC_PLAN_UNREADABLE({ file }, cause));
  }
}
