import type { CommandReport, Finding, IngestedCommit, Task, WorkResult } from '@agentcompany/protocol';
import picomatch from 'picomatch';

/** Lines a task may change before its result must be split: beyond that nobody can judge it. */
export const maximumChangedLines = 20_000;

/** All that the rules look at. */
export interface Submission {
  readonly task: Task;
  /** Commands that must be green. */
  readonly required: readonly string[];
  readonly result: WorkResult;
  readonly ingested: IngestedCommit;
  /** Changed paths whose text holds a conflict marker. */
  readonly conflictMarkers: readonly string[];
}

type Rule = (submission: Submission) => readonly Finding[];

function objection(rule: string, message: string, path: string | null = null): Finding {
  return { rule, severity: 'error', path, line: null, message };
}

const isGreen = (command: string, reports: readonly CommandReport[]): boolean =>
  reports.some((report) => report.command === command && report.exit_code === 0);

/** Every required check was green, and on the very tree that came out. */
const verifyGreen: Rule = ({ required, result, ingested }) => [
  ...(result.tree === ingested.tree
    ? []
    : [objection('verify-green', 'the checks ran on another tree than the one handed over')]),
  ...required
    .filter((command) => !isGreen(command, result.verify))
    .map((command) => objection('verify-green', `not green: ${command}`)),
];

const nonEmpty: Rule = ({ task, ingested }) =>
  ingested.changes.length > 0 || task.allow_empty ? [] : [objection('non-empty', 'the result changes nothing')];

/** Only what the task declared; a task that declares nothing may touch any path. */
const declaredPaths: Rule = ({ task, ingested }) => {
  if (task.paths.length === 0) return [];
  const isDeclared = picomatch(task.paths, { dot: true, nonegate: true });
  return ingested.changes
    .filter(({ path }) => !isDeclared(path))
    .map(({ path }) => objection('declared-paths', 'outside the paths the task declares', path));
};

const size: Rule = ({ ingested }) => {
  const lines = ingested.insertions + ingested.deletions;
  return lines <= maximumChangedLines
    ? []
    : [objection('size', `${lines} changed lines, at most ${maximumChangedLines}`)];
};

const noNewExecutable: Rule = ({ task, ingested }) =>
  task.allow_executable
    ? []
    : ingested.changes
        .filter(({ old_mode, new_mode }) => new_mode === '100755' && old_mode !== '100755')
        .map(({ path }) => objection('no-new-executable', 'became executable, which the task does not allow', path));

const noConflictMarker: Rule = ({ conflictMarkers }) =>
  conflictMarkers.map((path) => objection('no-conflict-marker', 'holds a conflict marker', path));

/** The rules by name, in the order their findings are reported. */
const rules: Readonly<Record<string, Rule>> = {
  'verify-green': verifyGreen,
  'non-empty': nonEmpty,
  'declared-paths': declaredPaths,
  size,
  'no-new-executable': noNewExecutable,
  'no-conflict-marker': noConflictMarker,
};

/** Every rule's findings; none means approval. */
export function judge(submission: Submission): readonly Finding[] {
  return Object.values(rules).flatMap((rule) => rule(submission));
}
