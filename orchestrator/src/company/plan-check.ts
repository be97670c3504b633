import {
  commandAgent,
  failure,
  planSchema,
  success,
  type AppError,
  type Plan,
  type Result,
} from '@agentcompany/protocol';
import type { z } from 'zod';
import { orchestratorErrors as errors } from '../errors.ts';

type Path = readonly PropertyKey[];
type Make = (typeof errors)['AC_PLAN_INVALID'];

/** What is wrong with a plan, and the path of the field: a file can add its line to `where`. */
export interface PlanProblem {
  readonly path: Path;
  readonly error: (where: string) => AppError;
}

function problem(make: Make, path: Path, parameters: Readonly<Record<string, string>>): PlanProblem {
  return { path, error: (where) => make({ ...parameters, where }) };
}

/** The issue to show: of a union, that of the alternative which came nearest. */
function nearest(issue: z.core.$ZodIssue, above: Path): { readonly path: Path; readonly text: string } {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return { path: [...path, issue.keys[0] ?? ''], text: 'unknown field' };
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path, text: issue.message };
  const ranked = issue.errors.toSorted((left, right) => score(left) - score(right));
  const inner = ranked[0]?.[0];
  return inner === undefined ? { path, text: issue.message } : nearest(inner, path);
}

/** An alternative that lacks a field or does not know one is farther than one whose value is wrong. */
function score(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 4 : 1), 0);
}

/** `tasks.2.run.command` for messages. */
function fieldName(path: Path): string {
  return path.map(String).join('.');
}

/** The problem of a value that does not have the form of a plan. */
export function describePlanIssue(error: z.ZodError): PlanProblem {
  // A misspelt field is unknown and leaves another missing: the first says more.
  const issue = error.issues.find((candidate) => candidate.code === 'unrecognized_keys') ?? error.issues[0];
  if (issue === undefined) return problem(errors.AC_PLAN_INVALID, [], { problem: 'unknown problem' });
  const { path, text } = nearest(issue, []);
  return problem(errors.AC_PLAN_INVALID, path, { problem: path.length === 0 ? text : `${fieldName(path)}: ${text}` });
}

/** The `command` agent is told what to run; any other is told in words. */
function findUnclearWork(plan: Plan): PlanProblem | null {
  for (const [index, { agent, run, instructions }] of plan.tasks.entries()) {
    const refuse = (field: string, text: string): PlanProblem =>
      problem(errors.AC_PLAN_INVALID, ['tasks', index, field], { problem: `tasks.${index}.${field}: ${text}` });
    if (agent === commandAgent && run === undefined) return refuse('run', 'the command agent needs something to run');
    if (agent !== commandAgent && run !== undefined) return refuse('run', 'only the command agent runs a command');
    if (agent !== commandAgent && instructions.trim() === '')
      return refuse('instructions', 'an agent has to be told what is wanted');
  }
  return null;
}

function findDuplicate(plan: Plan): PlanProblem | null {
  const seen = new Set<string>();
  for (const [index, task] of plan.tasks.entries()) {
    if (seen.has(task.id)) return problem(errors.AC_PLAN_DUPLICATE_TASK, ['tasks', index, 'id'], { task: task.id });
    seen.add(task.id);
  }
  return null;
}

function findUnknownDependency(plan: Plan, indexOf: ReadonlyMap<string, number>): PlanProblem | null {
  for (const [index, task] of plan.tasks.entries()) {
    const position = task.depends_on.findIndex((dependency) => !indexOf.has(dependency));
    const dependency = task.depends_on[position];
    if (dependency !== undefined) {
      return problem(errors.AC_PLAN_UNKNOWN_DEPENDENCY, ['tasks', index, 'depends_on', position], {
        task: task.id,
        dependency,
      });
    }
  }
  return null;
}

/** Depth-first search without recursion (a chain of 20,000 tasks must not end the stack); returns the tasks of one cycle, or null. */
function findCycle(plan: Plan, indexOf: ReadonlyMap<string, number>): readonly number[] | null {
  const done = new Uint8Array(plan.tasks.length);
  const onPath = new Map<number, number>();
  for (let start = 0; start < plan.tasks.length; start += 1) {
    const stack: { readonly task: number; next: number }[] = [];
    const enter = (task: number): void => {
      onPath.set(task, stack.length);
      stack.push({ task, next: 0 });
    };
    if (done[start] === 0) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const dependency = plan.tasks[top.task]?.depends_on[top.next];
      top.next += 1;
      if (dependency === undefined) {
        done[top.task] = 1;
        onPath.delete(top.task);
        stack.pop();
        continue;
      }
      const index = indexOf.get(dependency) ?? 0;
      const depth = onPath.get(index);
      if (depth !== undefined) return stack.slice(depth).map((entry) => entry.task);
      if (done[index] === 0) enter(index);
    }
  }
  return null;
}

function describeCycle(plan: Plan, cycle: readonly number[]): PlanProblem {
  const names = [...cycle, cycle[0] ?? 0].map((index) => plan.tasks[index]?.id ?? '');
  const shown =
    names.length <= 12 ? names : [...names.slice(0, 6), `… ${names.length - 12} more …`, ...names.slice(-6)];
  return problem(errors.AC_PLAN_CYCLE, ['tasks', cycle[0] ?? 0, 'depends_on'], { cycle: shown.join(' -> ') });
}

/** What keeps a well-formed plan from being carried out, or null. */
export function findPlanProblem(plan: Plan): PlanProblem | null {
  if (plan.tasks.length === 0) return problem(errors.AC_PLAN_EMPTY, ['tasks'], {});
  const unclear = findUnclearWork(plan);
  if (unclear !== null) return unclear;
  const indexOf = new Map(plan.tasks.map((task, index) => [task.id, index]));
  const simple = findDuplicate(plan) ?? findUnknownDependency(plan, indexOf);
  if (simple !== null) return simple;
  const cycle = findCycle(plan, indexOf);
  return cycle === null ? null : describeCycle(plan, cycle);
}

/**
 * Checks a plan, whoever made it: its form, unique ids, known dependencies, no cycle, at least one task (DESIGN §5). Pure.
 * Errors: `AC_PLAN_INVALID` naming the field, `AC_PLAN_EMPTY`, `AC_PLAN_DUPLICATE_TASK`, `AC_PLAN_UNKNOWN_DEPENDENCY`, `AC_PLAN_CYCLE` naming the cycle.
 */
export function checkPlan(value: unknown): Result<Plan> {
  const parsed = planSchema.safeParse(value);
  const found = parsed.success ? findPlanProblem(parsed.data) : describePlanIssue(parsed.error);
  if (found !== null) return failure(found.error(''));
  return success(parsed.data as Plan);
}
