import type { AgentsOptions, DefinedAgent, ModelTest } from '@agentcompany/orchestrator/agents';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { modelTestLines } from '../model-test-lines.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine } from '../terminal/clean-text.ts';
import { renderTable, type Column } from '../terminal/table.ts';

/** The shipped agents are there before there is a company. */
async function placeOf(context: Context): Promise<AgentsOptions> {
  const home = await context.home();
  return { installation: context.io.checkout, home: home.ok ? home.value.root : null };
}

const columns: readonly Column<DefinedAgent>[] = [
  { title: 'AGENT', value: ({ definition }) => definition.name },
  { title: 'ROLE', value: ({ definition }) => definition.role },
  { title: 'RUNTIME', value: ({ definition }) => (definition.role === 'worker' ? definition.runtime : '-') },
  { title: 'MODEL', value: ({ definition }) => definition.model ?? '-' },
  { title: 'FROM', value: ({ origin }) => origin },
  { title: 'DESCRIPTION', value: ({ definition }) => definition.description, elastic: true },
];

async function list(context: Context): Promise<number> {
  const { listAgents } = await import('@agentcompany/orchestrator/agents');
  const agents = listAgents(await placeOf(context));
  if (!agents.ok) return context.fail(agents.error);
  if (context.json) {
    context.document({ version: 1, agents: agents.value.map(documentOf) });
    return exitCodes.ok;
  }
  for (const line of renderTable(agents.value, columns, context.io.stdout.columns)) context.data(line);
  context.talk(
    '\nA plan names an agent in `agent` of a task; `command` runs what the task says and needs no definition.',
  );
  return exitCodes.ok;
}

function documentOf({ definition, file, origin }: DefinedAgent): Record<string, unknown> {
  return { ...definition, from: origin, file };
}

async function show(context: Context, name: string): Promise<number> {
  const { showAgent } = await import('@agentcompany/orchestrator/agents');
  const agent = showAgent(await placeOf(context), name);
  if (!agent.ok) return context.fail(agent.error);
  if (context.json) {
    context.document({ version: 1, agent: documentOf(agent.value) });
    return exitCodes.ok;
  }
  for (const line of agentLines(agent.value)) context.data(line);
  return exitCodes.ok;
}

function agentLines({ definition, file, origin }: DefinedAgent): readonly string[] {
  const { role, runtime, model, tools, temperature, prompt, personality } = definition;
  const fields: readonly (readonly [string, string])[] = [
    ['agent', definition.name],
    ['role', role],
    ['description', definition.description || '-'],
    ...(role === 'worker' ? ([['runtime', runtime]] as const) : []),
    ['model', model ?? "the company's"],
    ...(role === 'worker' ? ([['tools', tools?.join(', ') ?? 'all of its runtime']] as const) : []),
    ['temperature', temperature === null ? "the provider's own" : String(temperature)],
    ['max_tokens', `${definition.max_tokens} of one answer`],
    ['timeout', `${definition.timeout} s for one call`],
    ...(role === 'worker' ? ([['max_turns', String(definition.max_turns)]] as const) : []),
    ['personality', personality.trim() || '-'],
    ['from', origin === 'shipped' ? 'shipped' : file],
  ];
  const head = fields.map(([name, value]) => `${name.padEnd(11)}  ${cleanLine(value)}`);
  return prompt.trim() === '' ? head : [...head, '', ...prompt.trimEnd().split('\n').map(cleanLine)];
}

async function test(context: Context, name: string): Promise<number> {
  const home = await context.home();
  if (!home.ok) return context.fail(home.error);
  const { environment } = context.io;
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const loaded = loadConfig({ home: home.value, environment });
  if (!loaded.ok) return context.fail(loaded.error);
  const { testAgent } = await import('@agentcompany/orchestrator/agents');
  const interrupt = new AbortController();
  const release = context.io.onInterrupt(() => interrupt.abort());
  try {
    const models = { home: home.value, config: loaded.value.config, environment };
    const tested = await testAgent(await placeOf(context), models, name, interrupt.signal);
    if (interrupt.signal.aborted) return exitCodes.interrupted;
    if (!tested.ok) return context.fail(tested.error);
    showTest(context, name, tested.value);
    return exitCodes.ok;
  } finally {
    release();
  }
}

function showTest(context: Context, agent: string, tested: ModelTest): void {
  if (context.json) return context.document({ version: 1, agent, ...tested });
  context.data(`agent    ${agent}`);
  for (const line of modelTestLines(tested)) context.data(line);
}

/** `agents`, `agents list`, `agents show` and `agents test`. */
export function addAgents(program: Command, session: Session): void {
  const agents = program
    .command('agents')
    .summary('list, show and try agents')
    .description("Lists the agents there are: the shipped ones and the company's own (docs/agents.md).");
  examples(agents, 'agentcompany agents list', 'agentcompany agents test coder');
  const lister = agents
    .command('list', { isDefault: true })
    .description('Lists them with their roles and models.')
    .action(action(session, (context) => list(context)));
  examples(lister, 'agentcompany agents list', 'agentcompany agents list --json');
  const shower = agents
    .command('show')
    .description('Shows all that is settled of one, its prompt included.')
    .argument('<name>', 'name of the agent')
    .action(action(session, (context, [name = '']) => show(context, name)));
  examples(shower, 'agentcompany agents show coder');
  const tester = agents
    .command('test')
    .description("Asks an agent's model one small question as that agent; shows the answer, its tokens and cost.")
    .argument('<name>', 'name of the agent')
    .action(action(session, (context, [name = '']) => test(context, name)));
  examples(tester, 'agentcompany agents test coder');
}
