import type { ModelReport, ModelTest, ProviderReport } from '@agentcompany/orchestrator/models';
import type { Result } from '@agentcompany/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { modelTestLines } from '../model-test-lines.ts';
import { action, examples, type Session } from '../session.ts';
import { renderTable, type Column } from '../terminal/table.ts';

type Models = typeof import('@agentcompany/orchestrator/models');
type Options = Parameters<Models['listModels']>[0];

async function readOptions(context: Context): Promise<Result<Options>> {
  const home = await context.home();
  if (!home.ok) return home;
  const { environment } = context.io;
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const loaded = loadConfig({ home: home.value, environment });
  return loaded.ok ? { ok: true, value: { home: home.value, config: loaded.value.config, environment } } : loaded;
}

const providerColumns: readonly Column<ProviderReport>[] = [
  { title: 'PROVIDER', value: (row) => row.provider },
  { title: 'KEY', value: (row) => row.key },
  { title: 'FROM', value: (row) => row.variable ?? '-' },
  { title: 'ADDRESS', value: (row) => row.base_url ?? '-', elastic: true },
];

const price = (dollars: number | undefined): string => (dollars === undefined ? 'unpriced' : `$${dollars}`);
const modelColumns: readonly Column<ModelReport>[] = [
  { title: 'NAME', value: (row) => row.name },
  { title: 'ROLE', value: (row) => row.role.replace('_', ' ') },
  { title: 'IN', value: (row) => price(row.prices?.input) },
  { title: 'OUT', value: (row) => price(row.prices?.output) },
  { title: 'MODEL', value: (row) => `${row.provider}:${row.model}`, elastic: true },
];

async function list(context: Context): Promise<number> {
  const options = await readOptions(context);
  if (!options.ok) return context.fail(options.error);
  const { listModels } = await import('@agentcompany/orchestrator/models');
  const report = await listModels(options.value);
  if (!report.ok) return context.fail(report.error);
  const { providers, models } = report.value;
  if (context.json) {
    context.document({ version: 1, providers, models });
    return exitCodes.ok;
  }
  const width = context.io.stdout.columns;
  for (const line of renderTable(providers, providerColumns, width)) context.data(line);
  context.data('');
  for (const line of renderTable(models, modelColumns, width)) context.data(line);
  context.talk('\nPrices are US dollars per million tokens.');
  return exitCodes.ok;
}

function showTest(context: Context, test: ModelTest): void {
  if (context.json) context.document({ version: 1, ...test });
  else for (const line of modelTestLines(test)) context.data(line);
}

async function test(context: Context, name: string | undefined): Promise<number> {
  const options = await readOptions(context);
  if (!options.ok) return context.fail(options.error);
  const { testModel } = await import('@agentcompany/orchestrator/models');
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    const tested = await testModel(options.value, name, interrupt.signal);
    if (interrupt.signal.aborted) return exitCodes.interrupted;
    if (!tested.ok) return context.fail(tested.error);
    showTest(context, tested.value);
    return exitCodes.ok;
  } finally {
    release();
  }
}

/** `models` and `models test`. */
export function addModels(program: Command, session: Session): void {
  const models = program
    .command('models')
    .summary('list and try models')
    .description('Lists the providers of models, whether their keys are set, and what the known models cost.')
    .action(action(session, (context) => list(context)));
  examples(models, 'agentcompany models', 'agentcompany models test claude');
  const trial = models
    .command('test')
    .description('Makes one tiny call of a model and shows how long it took and what it cost.')
    .argument('[model]', 'a family, a name, or PROVIDER:NAME; the configured model where absent')
    .action(action(session, (context, [name]) => test(context, name)));
  examples(trial, 'agentcompany models test', 'agentcompany models test ollama:qwen3:8b');
}
