import type { ImageReport } from '@agentcompany/orchestrator/images';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { engineConfig } from '../engine-config.ts';
import { exitCodes } from '../exit-codes.ts';
import { action, examples, type Session } from '../session.ts';
import { renderTable, type Column } from '../terminal/table.ts';

const idCharacters = 'sha256:'.length + 12;

function agentsText({ agents }: ImageReport): string {
  const names = Object.entries(agents).map(([agent, version]) => `${agent} ${version}`);
  return names.length === 0 ? '-' : names.join(', ');
}

const columns: readonly Column<ImageReport>[] = [
  { title: 'IMAGE', value: (row) => row.purpose },
  { title: 'ID', value: (row) => row.id.slice(0, idCharacters) },
  { title: 'STATE', value: (row) => row.state },
  { title: 'AGENTS', value: agentsText, elastic: true },
];

function show(context: Context, images: readonly ImageReport[]): number {
  if (context.json) context.document({ version: 1, images });
  else for (const line of renderTable(images, columns, context.io.stdout.columns)) context.data(line);
  return exitCodes.ok;
}

async function list(context: Context): Promise<number> {
  const { listImages } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  const images = await listImages({ config: config.value, installation: checkout, environment });
  return images.ok ? show(context, images.value) : context.fail(images.error);
}

async function build(context: Context, agents: readonly string[]): Promise<number> {
  const { buildImage } = await import('@agentcompany/orchestrator/images');
  const { environment, checkout } = context.io;
  const config = await engineConfig(context, { useHome: true, flags: {} });
  if (!config.ok) return context.fail(config.error);
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    const say = (line: string): void => context.talk(line);
    const choice = { config: config.value, environment };
    const built = await buildImage({ ...choice, installation: checkout, agents, say, signal: interrupt.signal });
    if (interrupt.signal.aborted) return exitCodes.interrupted;
    return built.ok ? show(context, [built.value]) : context.fail(built.error);
  } finally {
    release();
  }
}

/** `image`, `image list` and `image build`. */
export function addImage(program: Command, session: Session): void {
  const image = program
    .command('image')
    .summary('build and list images of workers')
    .description('Builds and lists the images that workers are made from.');
  examples(image, 'agentcompany image build --agent claude-code', 'agentcompany image list');
  const listing = image
    .command('list')
    .description('Lists the images of this installation and the code agents in them.')
    .action(action(session, (context) => list(context)));
  examples(listing, 'agentcompany image list', 'agentcompany image list --json');
  const building = image
    .command('build')
    .description('Puts code agents into the image of the workers that need one; npm downloads them.')
    .requiredOption('--agent <agent...>', 'claude-code, codex, opencode, gemini-cli')
    .action(
      action<{ readonly agent: readonly string[] }>(session, (context, _operands, { agent }) => build(context, agent)),
    );
  examples(
    building,
    'agentcompany image build --agent claude-code',
    'agentcompany image build --agent claude-code --agent codex',
  );
}
