import type { Project } from '@agentcompany/orchestrator/projects';
import { Option, type Command } from 'commander';
import type { Context } from '../context.ts';
import { collect } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine } from '../terminal/clean-text.ts';
import { renderTable } from '../terminal/table.ts';

interface AddOptions {
  readonly id?: string;
  readonly name?: string;
  readonly url?: string;
  readonly path?: string;
  readonly defaultBranch?: string;
  readonly integrationBranch?: string;
  readonly image?: string;
  readonly devcontainer?: true;
  readonly verify?: readonly string[];
}

function sourceOf(project: Project): string {
  return project.git_url ?? project.path ?? '';
}

function imageText({ image, devcontainer }: Project): string {
  if (image !== undefined) return image;
  return devcontainer === true ? "the repository's devcontainer.json" : 'the shipped worker image';
}

function showProject(context: Context, project: Project): number {
  if (context.json) {
    context.document({ version: 1, project });
    return 0;
  }
  const fields: readonly (readonly [string, string])[] = [
    ['project', project.id],
    ['name', project.name],
    ['source', sourceOf(project)],
    ['default', project.default_branch],
    ['integration', project.integration_branch],
    ['forge', project.forge],
    ['image', imageText(project)],
    ...(project.verify ?? []).map((command) => ['verify', command] as const),
  ];
  for (const [name, value] of fields) context.data(`${name.padEnd(12)}  ${cleanLine(value)}`);
  return 0;
}

function addAdd(project: Command, session: Session): void {
  const command = project
    .command('add')
    .description(
      'Adds a project: a repository by its address, or a folder of this machine. Pushes go to a branch of their own.',
    )
    .option('--url <url>', 'https://… or ssh://…')
    .addOption(new Option('--path <folder>', 'folder of a repository, checked out or bare').conflicts('url'))
    .option('--id <id>', 'short name; made from the last part of URL or folder where absent')
    .option('--name <name>', 'name for people')
    .option('--default-branch <branch>', 'the folder says it; for a URL main where absent')
    .option('--integration-branch <branch>', 'where runs start and pull requests aim; the default branch where absent')
    .option('--image <reference>', "container image with the project's tools, one the engine has")
    .addOption(
      new Option('--devcontainer', "build and use what the repository's devcontainer.json describes").conflicts(
        'image',
      ),
    )
    .option('--verify <command>', 'check run for every task; may be repeated', collect)
    .action(
      action<AddOptions>(session, async (context, _, options) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const { addProject } = await import('@agentcompany/orchestrator/projects');
        const added = addProject(home.value, { ...options, cwd: context.io.cwd });
        if (!added.ok) return context.fail(added.error);
        context.talk(`Added. Next: \`agentcompany run "…" --project ${added.value.id} --plan plan.yaml\`.`);
        return showProject(context, added.value);
      }),
    );
  examples(
    command,
    'agentcompany project add --path ~/code/tool --verify "npm test"',
    'agentcompany project add --url https://git.example.org/team/tool.git',
  );
}

function addList(project: Command, session: Session): void {
  const command = project
    .command('list')
    .description('Lists the projects.')
    .action(
      action(session, async (context) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const { listProjects } = await import('@agentcompany/orchestrator/projects');
        const projects = listProjects(home.value);
        if (!projects.ok) return context.fail(projects.error);
        const columns = [
          { title: 'PROJECT', value: (row: Project) => row.id },
          { title: 'BRANCH', value: (row: Project) => row.integration_branch },
          { title: 'SOURCE', value: sourceOf, elastic: true },
        ];
        if (context.json) context.document({ version: 1, projects: projects.value });
        else if (projects.value.length === 0) context.talk('No projects. Add one with `agentcompany project add`.');
        else for (const line of renderTable(projects.value, columns, context.io.stdout.columns)) context.data(line);
        return 0;
      }),
    );
  examples(command, 'agentcompany project list');
}

function addShowAndRemove(project: Command, session: Session): void {
  const show = project
    .command('show')
    .description('Shows one project.')
    .argument('<id>', 'short name of the project')
    .action(
      action(session, async (context, [id = '']) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const projects = await import('@agentcompany/orchestrator/projects');
        const found = projects.showProject(home.value, id);
        return found.ok ? showProject(context, found.value) : context.fail(found.error);
      }),
    );
  examples(show, 'agentcompany project show tool');
  const remove = project
    .command('remove')
    .description('Forgets a project; its repository, runs and pull requests stay.')
    .argument('<id>', 'short name of the project')
    .action(
      action(session, async (context, [id = '']) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const { removeProject } = await import('@agentcompany/orchestrator/projects');
        const removed = removeProject(home.value, id);
        if (!removed.ok) return context.fail(removed.error);
        if (context.json) context.document({ version: 1, removed: removed.value });
        else context.data(`${removed.value.id} removed`);
        return 0;
      }),
    );
  examples(remove, 'agentcompany project remove tool');
}

/** `project add|list|show|remove`. */
export function addProjectCommands(program: Command, session: Session): void {
  const project = program
    .command('project')
    .summary('add, list, show, remove projects')
    .description('Keeps the list of projects.');
  addAdd(project, session);
  addList(project, session);
  addShowAndRemove(project, session);
}
