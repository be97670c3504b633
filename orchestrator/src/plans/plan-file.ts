import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  commandAgent,
  failure,
  success,
  type Plan,
  type Result,
  type Task,
  type TaskRun,
} from '@agentcompany/protocol';
import { describePlanIssue, findPlanProblem, type PlanProblem } from '../company/plan-check.ts';
import { companyErrors } from '../company/errors.ts';
import { orchestratorErrors as errors } from '../errors.ts';
import { suggestion } from '../suggestion.ts';
import { parseYamlDocument, YamlSyntaxError, type YamlDocument } from '../documents/yaml-document.ts';
import { planFileSchema, type ScriptFileRun } from './plan-file-schema.ts';

export { writePlan } from './write-plan.ts';

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

/** Whom the tasks of a plan file may name besides `command`, and who has those that name nobody and nothing to run. */
export interface PlanStaff {
  readonly names: readonly string[];
  readonly ordinary: string;
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

function findStranger({ tasks }: Plan, { names }: PlanStaff): PlanProblem | null {
  const index = tasks.findIndex(({ agent }) => agent !== commandAgent && !names.includes(agent));
  const agent = tasks[index]?.agent;
  if (agent === undefined) return null;
  const similar = suggestion(agent, [commandAgent, ...names]);
  return {
    path: ['tasks', index, 'agent'],
    error: (where) => companyErrors.AC_AGENT_UNKNOWN({ agent, suggestion: similar, where }),
  };
}

/**
 * Reads a plan from the text of a plan file (YAML or JSON), puts the scripts it names into it, and checks it.
 * A task that names neither an agent nor something to run goes to the ordinary agent of `staff`; without `staff` agents are not looked up.
 * Messages name the field and its line. Errors: `AC_AGENT_UNKNOWN`, `AC_PLAN_TOO_LARGE` (4 MiB), `AC_PLAN_SCRIPT_REFUSED`, and those of `checkPlan`.
 */
export function parsePlan(text: string, origin: PlanOrigin, staff?: PlanStaff): Result<Plan> {
  if (Buffer.byteLength(text) > maxPlanBytes)
    return failure(errors.AC_PLAN_TOO_LARGE({ file: origin.name, limit: maxPlanBytes }));
  const place = (line: number | null): string => (line === null ? ` (${origin.name})` : ` (${origin.name}:${line})`);
  let document: YamlDocument;
  try {
    document = parseYamlDocument(text);
  } catch (cause) {
    if (!(cause instanceof YamlSyntaxError)) throw cause;
    return failure(errors.AC_PLAN_INVALID({ problem: cause.message, where: place(cause.line) }));
  }
  const refuse = (found: PlanProblem) => failure(found.error(place(document.lineOf(found.path))));
  const parsed = planFileSchema.safeParse(document.value);
  if (!parsed.success) return refuse(describePlanIssue(parsed.error));
  const tasks: Task[] = [];
  for (const [index, task] of parsed.data.tasks.entries()) {
    const where = place(document.lineOf(['tasks', index, 'run', 'script_file']));
    const { run, agent: named, ...rest } = task;
    const agent = named ?? (run === undefined ? (staff?.ordinary ?? commandAgent) : commandAgent);
    const read: Result<TaskRun | null> =
      run !== undefined && 'script_file' in run ? readScript(run, origin.folder, where) : success(run ?? null);
    if (!read.ok) return read;
    tasks.push({ ...rest, agent, ...(read.value === null ? {} : { run: read.value }) });
  }
  const plan: Plan = { ...parsed.data, tasks };
  const found = (staff === undefined ? null : findStranger(plan, staff)) ?? findPlanProblem(plan);
  return found === null ? success(plan) : refuse(found);
}

/** Reads a plan file. Errors: `AC_PLAN_UNREADABLE`, and those of `parsePlan`. */
export function loadPlanFile(file: string, staff?: PlanStaff): Result<Plan> {
  try {
    const details = statSync(file);
    if (!details.isFile()) return failure(errors.AC_PLAN_UNREADABLE({ file }, 'it is not a file'));
    if (details.size > maxPlanBytes) return failure(errors.AC_PLAN_TOO_LARGE({ file, limit: maxPlanBytes }));
    const text = decode(readFileSync(file));
    if (text === null) return failure(errors.AC_PLAN_UNREADABLE({ file }, 'it is not UTF-8 text'));
    return parsePlan(text, { name: file, folder: path.dirname(path.resolve(file)) }, staff);
  } catch (cause) {
    return failure(errors.AC_PLAN_UNREADABLE({ file }, cause));
  }
}
