import path from 'node:path';
import type { Company, RunView } from '@agentcompany/orchestrator';
import type { Context } from '../context.ts';
import { shortId } from '../run-outcome.ts';
import { cleanLine, cleanText } from '../terminal/clean-text.ts';
import { costLine } from '../terminal/cost-text.ts';
import type { DemoPlace } from './demo-folder.ts';
import type { DemoEvent } from './demo-timeline.ts';
import type { PackageName } from './package-name.ts';

export interface DemoReport {
  readonly name: PackageName;
  readonly integrity: string;
  readonly place: DemoPlace;
  readonly run: RunView;
  readonly events: readonly DemoEvent[];
}

/** Lines of a diffstat that are shown: beyond them only the files' number is. */
const shownFiles = 14;

/** A path as a shell takes it. */
function quoted(file: string): string {
  return /^[\w./@+-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`;
}

/** A file as it is named where the demo was started. */
function near(context: Context, file: string): string {
  return quoted(path.relative(context.io.cwd, file) || '.');
}

/** `agentcompany --home HOME` as it can be run where the demo was started. */
export function cliCommand(context: Context, home: string): string {
  return `node ${near(context, path.join(context.io.checkout, 'scripts', 'launch.mjs'))} cli --home ${near(context, home)}`;
}

/** Commands that show what came out, and the one that merges it. */
function commandsFor({ place, run }: DemoReport, context: Context): readonly string[] {
  const command = cliCommand(context, place.home.root);
  const git = `git -C ${near(context, place.repository)}`;
  const request = run.pull_request;
  const shown = [`${command} runs show ${shortId(run.run_id)}`];
  if (request === null) return shown;
  return [
    `${command} pr show ${request.number}`,
    ...shown,
    `${git} log --graph --oneline ${request.branch}`,
    `${git} diff ${request.base}...${request.branch}`,
    `${command} pr merge ${request.number}`,
  ];
}

function diffstatLines(diffstat: string): readonly string[] {
  const lines = cleanText(diffstat).trimEnd().split('\n');
  const files = lines.slice(0, -1);
  if (files.length <= shownFiles) return lines;
  return [...files.slice(0, shownFiles - 1), ` … and ${files.length - shownFiles + 1} more files`, ...lines.slice(-1)];
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What the run took, in numbers that its ledger gives. */
function figures({
  run,
  events,
}: DemoReport): Readonly<Record<'tasks' | 'attempts' | 'conflicts' | 'sent_back' | 'milliseconds', number>> {
  const ends = events.map((event) => event.at);
  return {
    tasks: run.task_list.filter((task) => task.superseded_by === null).length,
    attempts: run.task_list.reduce((sum, task) => sum + task.attempts.length, 0),
    conflicts: run.task_list.filter((task) => task.superseded_by !== null).length,
    sent_back: run.task_list.reduce((sum, task) => sum + Math.max(0, task.attempts.length - 1), 0),
    milliseconds: Math.max(0, ...ends),
  };
}

/** What the models took; a script that plays one counts no tokens and has no price. */
function modelsLine(run: RunView): string | null {
  const { calls, tokens } = run.cost;
  if (calls > 0 && tokens === 0) return `Models: ${counted(calls, 'call', 'calls')}, played by the script`;
  const cost = costLine(run);
  return cost === null ? null : `Models: ${cost}`;
}

/** Prints what came out: one JSON document, or figures, diffstat and where to look. */
export async function printDemoReport(context: Context, company: Company, report: DemoReport): Promise<void> {
  const { run, place, name } = report;
  const numbers = figures(report);
  const request = run.pull_request;
  const shown = request === null ? null : await company.showPullRequest(run.project_id, request.number);
  const diffstat = shown?.ok === true ? shown.value.diffstat : '';
  const commands = commandsFor(report, context);
  if (context.json) {
    const { integrity, events } = report;
    const timeline = events.map(({ at, slot, task, text }) => ({ ms: at, slot, task, event: cleanLine(text) }));
    context.document({
      version: 1,
      package: name.id,
      integrity,
      home: place.home.root,
      repository: place.repository,
      ...numbers,
      run,
      timeline,
      diffstat,
      commands,
    });
    return;
  }
  const { strong } = context.style;
  context.data('');
  context.data(
    `${counted(numbers.tasks, 'task', 'tasks')} in ${counted(numbers.attempts, 'container', 'containers')}, ` +
      `${counted(numbers.conflicts, 'conflict', 'conflicts')}, ${numbers.sent_back} sent back, ${(numbers.milliseconds / 1000).toFixed(1)} s`,
  );
  const models = modelsLine(run);
  if (models !== null) context.data(models);
  if (request !== null) {
    context.data('');
    context.data(strong(`Pull request #${request.number}: ${cleanLine(run.title)}`));
    context.data(`${cleanLine(request.branch)} into ${cleanLine(request.base)}`);
    for (const line of diffstatLines(diffstat)) context.data(line);
  }
  context.data('');
  context.data(strong('Where to look'));
  for (const command of commands) context.data(`  ${command}`);
}
