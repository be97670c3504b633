import { neutralizeMarkdown } from '../../text/neutralize-markdown.ts';
import { plainTitle } from '../../text/plain-title.ts';
import type { Run, TaskRecord } from '../records.ts';
import { verificationCommands } from './verification-commands.ts';

/** `agent/<first characters of the run's random part>-<slug of the title>`: made by us, safe in refs, shells and URLs (S31). */
export function branchName(run: Run): string {
  return `agent/${run.id.slice(-8)}-${slugOf(run.plan?.title ?? run.instruction)}`;
}

function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'run' : slug;
}

/** Text of plans may come from anywhere: one line of a page that does nothing. */
function plainLine(text: string, length: number): string {
  return neutralizeMarkdown(text.replace(/\s+/gu, ' ').trim().slice(0, length));
}

/** `[AgentCompany] <summary>` (C33). */
export function pullRequestTitle(run: Run): string {
  return `[AgentCompany] ${plainTitle(run.plan?.title ?? run.instruction)}`;
}

/** The sections of C33: summary, changes, tests, tasks; what is missing where the result is partial. */
export function pullRequestBody(run: Run): string {
  const tasks = [...run.tasks.values()].filter((task) => task.supersededBy === null);
  const merged = tasks.filter((task) => task.state === 'merged');
  const missing = tasks.filter((task) => task.state !== 'merged');
  const sections = [
    `## Summary\n\n${plainText(run.plan?.summary ?? '') || plainLine(run.instruction, 500)}`,
    `## Changes\n\n${listed(merged.map((task) => changeLine(run, task)))}`,
    `## Tests\n\n${testLines(run)}`,
    `## Tasks\n\n${listed(merged.map((task) => `- [x] ${taskLine(task)}`))}`,
  ];
  if (missing.length > 0)
    sections.push(`## Missing\n\n${listed(missing.map((task) => `- [ ] ${taskLine(task)} (${task.state})`))}`);
  return `${sections.join('\n\n')}\n\nRun ${run.id}\n`;
}

/** Characters of one list in the body: forges take 65,536 in all, and a plan may have 20,000 tasks. */
const maximumList = 13_000;
/** The same of the summary. */
const maximumSummary = 8000;

/** As many of the lines as fit, and how many more there are. */
function listed(lines: readonly string[]): string {
  let length = 0;
  const fitting = lines.findIndex((line) => (length += line.length + 1) > maximumList);
  if (fitting === -1) return lines.join('\n');
  return [...lines.slice(0, fitting), `- … and ${lines.length - fitting} more`].join('\n');
}

/** As many lines as fit. */
function plainText(text: string): string {
  const lines: string[] = [];
  let length = 0;
  for (const line of text.split('\n')) {
    const plain = neutralizeMarkdown(line.trimEnd().slice(0, 500));
    length += plain.length + 1;
    if (length > maximumSummary) break;
    lines.push(plain);
  }
  return lines.join('\n').trim();
}

function taskLine(task: TaskRecord): string {
  return `**${task.spec.id}** ${plainLine(task.spec.title, 200)}`;
}

function changeLine(run: Run, task: TaskRecord): string {
  const ingested = run.attempts.get(task.attemptId ?? '')?.ingested;
  if (ingested === null || ingested === undefined) return `- ${task.spec.id}`;
  const files = ingested.changes.length === 1 ? '1 file' : `${ingested.changes.length} files`;
  return `- ${plainLine(task.spec.title, 200)}: ${files}, +${ingested.insertions} −${ingested.deletions}`;
}

function testLines(run: Run): string {
  const commands = verificationCommands(run);
  if (commands.length === 0) return 'The plan names no checks for the joined result.';
  const outcomes = run.verifications.get(run.tipOid ?? '')?.outcomes ?? [];
  const flaky = outcomes.some(({ outcome }) => outcome === 'red') ? ' (red once, then green)' : '';
  return listed(commands.map((command) => `- ${codeOf(command)}: green on the result${flaky}`));
}

/** A command as code: nothing in it is Markdown any more. */
function codeOf(command: string): string {
  const line = command.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ').slice(0, 200);
  return `\`${line.replaceAll('`', "'").trim()}\``;
}
