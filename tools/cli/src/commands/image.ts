import type { ImageReport, ImageUsage, PruneReport } from '@agentcompany/orchestrator/images';
import type { Company, RunView } from '@agentcompany/orchestrator';
import type { AppError } from '@agentcompany/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { engineConfig } from '../engine-config.ts';
import { exitCodes } from '../exit-codes.ts';
import { action, examples, type Session } from '../session.ts';
import { bytesText } from '../terminal/bytes-text.ts';
import { cleanLine, counted } from '../terminal/clean-text.ts';
import { renderTable, type Column } from '../terminal/table.ts';

const idCharacters = 12;

function idText(id: string): string {
  return id === '' ? '-' : id.replace('sha256:', '').slice(0, idCharacters);
}

function usersText({ agents, used_by: users, references, purpose }: ImageReport): string {
  const names = Object.entries(agents).map(([agent, version]) => `${agent} ${version}`);
  const name = purpose === 'project' ? references : [];
  return [...name, ...names, ...users].join(', ') || '-';
}

const columns: readonly Column<ImageReport>[] = [
  { title: 'IMAGE', value: (row) => row.purpose },
  { title: 'ID', value: (row) => idText(row.id) },
  { title: 'SIZE', value: (row) => (row.bytes === null ? '-' : bytesText(row.bytes)) },
  { title: 'CREATED', value: (row) => row.created_at?.slice(0, 10) ?? '-' },
  { title: 'STATE', value: (row) => row.state },
  { title: 'HOLDS, USED BY', value: usersText, elastic: true },
];

function show(context: Context, images: readonly ImageReport[]): number {
  if (context.json) context.document({ version: 1, images });
  else for (const line of renderTable(images, columns, context.io.stdout.columns)) context.data(line);
  return exitCodes.ok;
}

/** The runs that have not ended, by which images are needed. */
async function openRunsOf(company: Company): Promise<readonly RunView[] | AppError> {
  const open = await company.openRuns();
  if (!open.ok) return open.error;
  const views: RunView[] = [];
  for (const id of open.value) {
    const run = await company.showRun(id);
    if (!run.ok) return run.error;
    views.push(run.value);
  }
  return views;
}

/** Hands over who uses images; null where there is no home, which the images of an installation do without. */
async function withUsage(context: Context, use: (usage: ImageUsage | null) => Promise<number>): Promise<number> {
  const home = await context.home();
  if (!home.ok && home.error.code === 'AC_NO_HOME') return use(null);
  return context.withCompany({}, async (company) => {
    const openRuns = await openRunsOf(company);
    return 'code' in openRuns ? context.fail(openRuns) : use({ home: company.home, openRuns });
  });
}

async function list(context: Context): Promise<number> {
  const { listImages } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  return withUsage(context, async (usage) => {
    const images = await listImages({ config: config.value, installation: checkout, environment }, usage);
    return images.ok ? show(context, images.value) : context.fail(images.error);
  });
}

interface BuildOptions {
  readonly agent?: readonly string[];
  readonly project?: string;
  /** True: made from packages; else the image that is taken. */
  readonly dind?: string | true;
}

async function build(context: Context, { agent, project, dind }: BuildOptions): Promise<number> {
  const { cliErrors } = await import('../errors.ts');
  if ([agent, project, dind].filter((option) => option !== undefined).length !== 1) {
    const problem = 'exactly one of --agent, --project and --dind is expected; the worker image is made by set-up';
    return context.fail(cliErrors.AC_USAGE({ problem, help: 'agentcompany image build --help' }));
  }
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    const built = await buildOne(context, { agent, project, dind }, interrupt.signal);
    return interrupt.signal.aborted ? exitCodes.interrupted : built;
  } finally {
    release();
  }
}

function buildOne(
  context: Context,
  { agent, project, dind }: { readonly [Key in keyof BuildOptions]: BuildOptions[Key] | undefined },
  signal: AbortSignal,
): Promise<number> {
  if (dind !== undefined) return buildInner(context, dind === true ? null : dind, signal);
  return project === undefined ? buildAgents(context, agent ?? [], signal) : buildProject(context, project, signal);
}

async function buildInner(context: Context, from: string | null, signal: AbortSignal): Promise<number> {
  const { buildInnerEngine } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  const say = (line: string): void => context.talk(cleanLine(line));
  const choice = { config: config.value, environment, installation: checkout };
  const built = await buildInnerEngine({ ...choice, from, say, signal });
  return built.ok ? show(context, [built.value]) : context.fail(built.error);
}

async function buildAgents(context: Context, agents: readonly string[], signal: AbortSignal): Promise<number> {
  const { buildImage } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  const say = (line: string): void => context.talk(line);
  const choice = { config: config.value, environment };
  const built = await buildImage({ ...choice, installation: checkout, agents, say, signal });
  return built.ok ? show(context, [built.value]) : context.fail(built.error);
}

async function buildProject(context: Context, projectId: string, signal: AbortSignal): Promise<number> {
  const { buildProjectImage } = await import('@agentcompany/orchestrator/images');
  const say = (line: string): void => context.talk(cleanLine(line));
  return context.withCompany({}, async (company, config) => {
    const { environment } = context.io;
    const built = await buildProjectImage({ home: company.home, config, environment, projectId, say, signal });
    return built.ok ? show(context, [built.value]) : context.fail(built.error);
  });
}

function showPruned(context: Context, report: PruneReport): number {
  if (context.json) context.document({ version: 1, ...report });
  else {
    for (const { purpose, id, references, bytes, error } of report.images)
      context.data(
        [purpose.padEnd(12), idText(id), bytesText(bytes).padStart(8), error?.code ?? references.join(' ')].join('  '),
      );
    const gone = report.images.filter(({ error }) => error === null).length;
    const [done, freed] = report.dry_run ? ['to remove', 'to free'] : ['removed', 'freed'];
    context.data(`${counted(gone, 'image')} ${done}, ${bytesText(report.bytes_freed)} ${freed}`);
  }
  return exitCodes.ok;
}

async function prune(context: Context, dryRun: boolean): Promise<number> {
  const { pruneImages } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  return withUsage(context, async (usage) => {
    const pruned = await pruneImages({ config: config.value, installation: checkout, environment }, usage, { dryRun });
    return pruned.ok ? showPruned(context, pruned.value) : context.fail(pruned.error);
  });
}

function addBuild(image: Command, session: Session): void {
  const building = image
    .command('build')
    .description(
      "Puts code agents into the image of the workers that need one (npm downloads them), builds what a project's devcontainer.json describes, or makes the image of the inner engine of docker-in-docker from this system's packages. The worker image itself is made by set-up.",
    )
    .option('--agent <agent...>', 'claude-code, codex, opencode, gemini-cli')
    .option('--project <id>', "project whose repository's own image is built, without network")
    .option('--dind [image]', 'inner engine of docker-in-docker: made here, or an image that has dockerd')
    .action(action<BuildOptions>(session, (context, _operands, options) => build(context, options)));
  examples(
    building,
    'agentcompany image build --agent claude-code',
    'agentcompany image build --agent claude-code --agent codex',
    'agentcompany image build --project tool',
    'agentcompany image build --dind',
  );
}

/** `image list`, `image build` and `image prune`. */
export function addImage(program: Command, session: Session): void {
  const image = program
    .command('image')
    .summary('build, list and prune images of workers')
    .description('Builds, lists and removes the images that workers are made from.');
  examples(image, 'agentcompany image build --agent claude-code', 'agentcompany image list');
  const listing = image
    .command('list')
    .description('Lists the images of this installation and of this company, what is in them and who uses them.')
    .action(action(session, (context) => list(context)));
  examples(listing, 'agentcompany image list', 'agentcompany image list --json');
  addBuild(image, session);
  const pruning = image
    .command('prune')
    .description(
      'Removes the images that were made here and that nothing needs any more: replaced ones, and what was built for runs that have ended.',
    )
    .option('--dry-run', 'only say what would be removed')
    .action(
      action<{ readonly dryRun?: true }>(session, (context, _operands, { dryRun }) => prune(context, dryRun === true)),
    );
  examples(pruning, 'agentcompany image prune --dry-run', 'agentcompany image prune');
}
