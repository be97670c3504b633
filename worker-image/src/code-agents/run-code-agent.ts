import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  failure,
  success,
  workerErrors,
  type AgentOrder,
  type AppError,
  type CommandReport,
  type Result,
} from '@agentcompany/protocol';
import { howItEnded, type AgentEnd } from '../command-agent.ts';
import { Hearing } from '../door-notes.ts';
import { listHostTools } from '../door-tools.ts';
import { speaksOfFullDisk } from '../git.ts';
import { OutputTail } from '../output-tail.ts';
import { memoryKills } from '../self-report.ts';
import type { Surroundings, TaskOrder } from '../work.ts';
import type { AgentLaunch, AgentPlace, AgentWatch, AgentWords } from './agent-launch.ts';
import { startAgent, type AgentExit } from './agent-process.ts';
import { agentPrompt, furtherPrompt } from './agent-prompt.ts';
import { launchClaudeCode } from './claude-code.ts';
import { launchCodex } from './codex.ts';
import { launchGeminiCli } from './gemini-cli.ts';
import { openModelBridge, toolsPath, type ModelBridge } from './model-bridge.ts';
import { launchOpencode } from './opencode.ts';
import { WorkSoFar } from './work-so-far.ts';

/** Where `agentcompany image build` puts the programs. */
const programs = '/opt/agents/bin';

const launches: Readonly<Record<string, (place: AgentPlace) => AgentLaunch>> = {
  'claude-code': launchClaudeCode,
  'codex': launchCodex,
  'opencode': launchOpencode,
  'gemini-cli': launchGeminiCli,
};

/**
 * A code agent of the image: started without anybody to ask, its model behind the door. What it did is for git to say; here is only
 * whether it ended well. However it ends, its work is left for the task's next attempt. Errors: `AC_AGENT_ABSENT`, `AC_WORKSPACE_FULL`; as
 * part of the value `AC_WORK_FAILED`, `AC_WORK_PARTIAL` (its turns are spent), `AC_WORK_TIMEOUT`, `AC_WORK_MEMORY`, `AC_WORKSPACE_FULL`.
 */
export async function runCodeAgent(
  order: TaskOrder,
  agent: AgentOrder,
  around: Surroundings,
): Promise<Result<AgentEnd>> {
  const { runtime } = agent.definition;
  const launchOf = launches[runtime];
  if (launchOf === undefined || !existsSync(`${programs}/${runtime}`))
    return failure(workerErrors.AC_AGENT_ABSENT({ agent: runtime }));
  const { repository, workspace } = around.paths;
  const folder = `${workspace}/agent`;
  const home = `${folder}/home`;
  const begun = performance.now();
  const soFar = await WorkSoFar.begin(order, agent, around);
  const bridge = await openModelBridge(around.door, () => soFar.save());
  try {
    const hasTools = (await listHostTools(around.door)).length > 0;
    const toolServer = hasTools ? `${bridge.address}${toolsPath}` : null;
    const hearing = new Hearing(around.door);
    const place = { order: agent, address: bridge.address, repository, home, toolServer, hear: () => hear(hearing) };
    let prompt = agentPrompt(order, agent, { notes: await hearing.next(), restored: soFar.restored });
    for (;;) {
      const launch = launchOf({ ...place, prompt });
      const furnished = await furnish(folder, launch.files);
      if (!furnished.ok) return furnished;
      const killsBefore = await memoryKills();
      const secondsLeft = agent.agent_timeout - (performance.now() - begun) / 1000;
      const { exit, words } = await work(agent, { launch, folder, secondsLeft, order, bridge }, around);
      const ranOutOfMemory = (await memoryKills()) > killsBefore;
      const error = problemOf(agent, { exit, words, bridge, ranOutOfMemory });
      const said = error === null ? await place.hear() : null;
      if (said === null) {
        around.endStrays();
        await soFar.saveLast();
        const durationMs = Math.round(performance.now() - begun);
        return success({ report: reportOf(runtime, { ...exit, durationMs }, words, error), error });
      }
      // One that reads a single prompt and ends begins again where its work is.
      prompt = `${prompt}\n\nYour work on this so far is in the working copy. Look at it first.\n\n${said}`;
    }
  } finally {
    bridge.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The next prompt where people told something since; null: nothing. */
async function hear(hearing: Hearing): Promise<string | null> {
  const notes = await hearing.next();
  return notes.length === 0 ? null : furtherPrompt(notes);
}

/** A home of its own and room for temporary files: programs cannot be started from /tmp, and some agents unpack theirs. */
async function furnish(folder: string, files: AgentLaunch['files']): Promise<Result<undefined>> {
  try {
    await mkdir(`${folder}/tmp`, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, 'home', name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    await mkdir(`${folder}/home`, { recursive: true });
    return success();
  } catch (cause) {
    return failure(workerErrors.AC_WORKSPACE_FULL({}, cause));
  }
}

interface Launched {
  readonly launch: AgentLaunch;
  readonly folder: string;
  readonly secondsLeft: number;
  readonly order: TaskOrder;
  readonly bridge: ModelBridge;
}

async function work(
  { definition: { runtime } }: AgentOrder,
  { launch, folder, secondsLeft, order, bridge }: Launched,
  { place, paths, progress }: Surroundings,
): Promise<{ readonly exit: AgentExit; readonly words: AgentWords }> {
  const agent = startAgent({
    program: `${programs}/${runtime}`,
    args: launch.args,
    folder: paths.repository,
    environment: { ...place.environment, ...launch.environment, HOME: `${folder}/home`, TMPDIR: `${folder}/tmp` },
    timeoutSeconds: Math.max(1, secondsLeft),
    onErrorOutput: place.onOutput,
  });
  const watch: AgentWatch = {
    onTool: (name) => progress(`${runtime}: ${name.slice(0, 80)}`, order.command_timeout),
    onText: (text) => place.onOutput(Buffer.from(`${runtime}: ${text}\n`)),
  };
  const end = (): void => agent.kill();
  bridge.spent.addEventListener('abort', end);
  const words = await launch.converse(agent, watch);
  const exit = await agent.exit;
  bridge.spent.removeEventListener('abort', end);
  return { exit, words };
}

interface Ending {
  readonly exit: AgentExit;
  readonly words: AgentWords;
  readonly bridge: Pick<ModelBridge, 'refusal' | 'spent'>;
  readonly ranOutOfMemory: boolean;
}

/** Without a problem of its own an agent ended well, however its process did: one that is conversed with is ended by us. */
function problemOf(
  { agent_timeout, definition: { max_turns: turns } }: AgentOrder,
  { exit, words, bridge, ranOutOfMemory }: Ending,
): AppError | null {
  if (bridge.spent.aborted) return workerErrors.AC_WORK_PARTIAL({ turns });
  if (exit.timedOut) return workerErrors.AC_WORK_TIMEOUT({ seconds: agent_timeout });
  const isWell = words.problem === null && (exit.exitCode === 0 || exit.wasKilled);
  if (isWell) return null;
  if (ranOutOfMemory) return workerErrors.AC_WORK_MEMORY();
  const refusal = bridge.refusal();
  const told = [words.problem, exit.errorOutput, refusal === null ? null : `its model answered ${refusal}`];
  const cause = told
    .filter((text) => text !== null && text !== '')
    .join('\n')
    .slice(-2000);
  if (speaksOfFullDisk(cause)) return workerErrors.AC_WORKSPACE_FULL({}, cause);
  const how = exit.wasKilled ? 'a failure it told of' : howItEnded(exit);
  return workerErrors.AC_WORK_FAILED({ how }, cause);
}

function reportOf(runtime: string, exit: AgentExit, words: AgentWords, error: AppError | null): CommandReport {
  const tail = new OutputTail();
  tail.write(Buffer.from(words.text));
  if (error !== null) tail.write(Buffer.from(`\n${words.problem ?? ''}\n${exit.errorOutput}`));
  const exitCode = error === null ? 0 : exit.exitCode;
  return { command: runtime, exit_code: exitCode, duration_ms: exit.durationMs, output: tail.text() };
}
