import type { Company } from '@agentcompany/orchestrator';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { chooseProject, positiveInteger } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine, cleanText } from '../terminal/clean-text.ts';
import { renderTable, type Column } from '../terminal/table.ts';

interface ProjectOption {
  readonly project?: string;
}

type ListedPullRequest = Extract<
  Awaited<ReturnType<Company['listPullRequests']>>,
  { readonly ok: true }
>['value'][number];

const columns: readonly Column<ListedPullRequest>[] = [
  { title: 'PR', value: (row) => `#${row.number}` },
  { title: 'STATE', value: (row) => (row.draft ? `${row.state}, draft` : row.state) },
  { title: 'PROJECT', value: (row) => row.project_id },
  { title: 'BRANCH', value: (row) => row.branch },
  { title: 'TITLE', value: (row) => row.title, elastic: true },
];

/** `7` or `#7`. Throws commander's error, which the parser of the operand shows. */
function pullRequestNumber(text: string): number {
  return positiveInteger(text.replace(/^#/, ''));
}

function addList(pullRequests: Command, session: Session): void {
  const list = pullRequests
    .command('list')
    .description('Lists pull requests.')
    .option('-p, --project <id>', 'only those of this project')
    .action(
      action<ProjectOption>(session, async (context, _, options) =>
        context.withCompany({}, async (company) => {
          const found = await company.listPullRequests(options.project);
          if (!found.ok) return context.fail(found.error);
          if (context.json) context.document({ version: 1, pull_requests: found.value });
          else if (found.value.length === 0) context.talk('No pull requests.');
          else for (const line of renderTable(found.value, columns, context.io.stdout.columns)) context.data(line);
          return 0;
        }),
      ),
    );
  examples(list, 'agentcompany pr list --project tool');
}

/** Calls `use` with the project and the number that are meant. */
async function withNumber(
  context: Context,
  number: string,
  options: ProjectOption,
  use: (company: Company, projectId: string, number: number) => Promise<number>,
): Promise<number> {
  const projectId = await chooseProject(context, options.project);
  if (!projectId.ok) return context.fail(projectId.error);
  return context.withCompany({}, async (company) => use(company, projectId.value, pullRequestNumber(number)));
}

function addShow(pullRequests: Command, session: Session): void {
  const show = pullRequests
    .command('show')
    .description('Shows one pull request and what it changes.')
    .argument('<number>', 'number of the pull request', pullRequestNumber)
    .option('-p, --project <id>', 'its project; the only one where absent')
    .action(
      action<ProjectOption>(session, async (context, [number = ''], options) =>
        withNumber(context, number, options, async (company, projectId, which) => {
          const found = await company.showPullRequest(projectId, which);
          if (!found.ok) return context.fail(found.error);
          const { value } = found;
          if (context.json) {
            context.document({ version: 1, pull_request: value });
            return 0;
          }
          context.data(`#${value.number} ${cleanLine(value.title)}`);
          context.data(
            `${value.draft ? 'draft, ' : ''}${value.state}: ${cleanLine(value.branch)} into ${cleanLine(value.base)}`,
          );
          context.data(cleanLine(value.url));
          for (const part of [value.body, value.diffstat])
            if (part.trim() !== '') context.data(`\n${cleanText(part).trimEnd()}`);
          return 0;
        }),
      ),
    );
  examples(show, 'agentcompany pr show 1 --project tool');
}

function addMerge(pullRequests: Command, session: Session): void {
  const merge = pullRequests
    .command('merge')
    .description('Merges a pull request into its base branch. Only a person does this.')
    .argument('<number>', 'number of the pull request', pullRequestNumber)
    .option('-p, --project <id>', 'its project; the only one where absent')
    .action(
      action<ProjectOption>(session, async (context, [number = ''], options) =>
        withNumber(context, number, options, async (company, projectId, which) => {
          const merged = await company.mergePullRequest(projectId, which);
          if (!merged.ok) return context.fail(merged.error);
          if (context.json) context.document({ version: 1, pull_request: merged.value });
          else
            context.data(
              `#${merged.value.number} merged into ${cleanLine(merged.value.base)}, commit ${merged.value.merge_oid ?? 'unknown'}`,
            );
          return 0;
        }),
      ),
    );
  examples(merge, 'agentcompany pr merge 1 --project tool');
}

/** `pr list|show|merge`. */
export function addPullRequests(program: Command, session: Session): void {
  const pullRequests = program
    .command('pr')
    .summary('list, show, merge pull requests')
    .description('Works with pull requests.');
  addList(pullRequests, session);
  addShow(pullRequests, session);
  addMerge(pullRequests, session);
}
