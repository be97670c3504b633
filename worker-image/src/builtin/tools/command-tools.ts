import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { howItEnded } from '../../command-agent.ts';
import { runCommand } from '../../run-command.ts';
import { treatmentOf } from './command-policy.ts';
import { endMarked, markerOf } from './end-marked.ts';
import { HeadAndTail } from './head-and-tail.ts';
import { Processes, type BackgroundProcess, type CommandPlace } from './processes.ts';
import { defineTool, refused, said, type AgentTool, type ToolAnswer } from './tool.ts';

/** Seconds after which a process that was just started is looked at: what cannot start has ended by then. */
const firstLookSeconds = 1;
const longestLookSeconds = 60;

/** Programs that would ask somebody are told that nobody is there. */
const quiet = { PAGER: 'cat', GIT_PAGER: 'cat', GIT_EDITOR: 'false', EDITOR: 'false', GIT_TERMINAL_PROMPT: '0' };

function tell(found: BackgroundProcess | null, id: string): ToolAnswer {
  if (found === null) return refused(`there is no process ${id}`);
  const state = found.ended === null ? 'runs' : `has ended: ${found.ended}`;
  return said(`${found.id} ${state}\n${found.output === '' ? '[no output]' : found.output}`);
}

async function inForeground(command: string, seconds: number, place: CommandPlace): Promise<ToolAnswer> {
  const output = new HeadAndTail();
  const mark = randomUUID();
  const end = await runCommand({
    program: 'sh',
    args: ['-c', command],
    folder: place.folder,
    environment: { ...place.environment, ...markerOf(mark) },
    timeoutSeconds: seconds,
    onOutput: (chunk) => {
      output.write(chunk);
      place.onOutput(chunk);
    },
  });
  // The group ended with the command; what moved to a session of its own goes too.
  endMarked(mark, null);
  const text = output.text();
  if (end.timedOut)
    return refused(`it did not end within ${seconds} seconds and was killed with all it had started\n${text}`);
  return said(`${howItEnded(end)}, ${(end.durationMs / 1000).toFixed(1)} s\n${text === '' ? '[no output]' : text}`);
}

async function inBackground(command: string, processes: Processes): Promise<ToolAnswer> {
  const started = processes.start(command);
  if (started === null) return refused('too many processes run in the background: end some with kill_process');
  const { id } = started;
  const looked = tell(await processes.look(id, firstLookSeconds), id);
  return said(
    `It runs in the background as ${id}; check_process reads its output, kill_process ends it.\n${looked.text}`,
  );
}

function runCommandTool(place: CommandPlace, processes: Processes, limitSeconds: number): AgentTool {
  return defineTool({
    name: 'run_command',
    description: `Runs a shell command (sh) in the repository's folder and gives how it ended and what it printed, of long output the beginning and the end. Nobody can answer prompts, there is no terminal and no network. It is killed after ${limitSeconds} seconds. Servers and commands that end with & run in the background.`,
    input: z.strictObject({
      command: z.string().min(1).max(65_536),
      timeout_seconds: z.int().min(1).optional().describe(`Less than ${limitSeconds}, where it should end earlier`),
    }),
    run: async ({ command, timeout_seconds: wanted }) => {
      const treatment = treatmentOf(command);
      if (treatment.kind === 'refused') return refused(`refused: ${treatment.reason}`);
      if (treatment.kind === 'background') return inBackground(treatment.command, processes);
      return inForeground(command, Math.min(wanted ?? limitSeconds, limitSeconds), place);
    },
  });
}

function checkProcess(processes: Processes): AgentTool {
  return defineTool({
    name: 'check_process',
    description: 'Tells whether a background process runs, and what it printed.',
    input: z.strictObject({
      id: z.string().max(64),
      wait_seconds: z.number().min(0).max(longestLookSeconds).optional().describe('Waits this long for it to end'),
    }),
    run: async ({ id, wait_seconds: seconds }) => tell(await processes.look(id, seconds ?? 0), id),
  });
}

function killProcess(processes: Processes): AgentTool {
  return defineTool({
    name: 'kill_process',
    description: 'Ends a background process with all that it started.',
    input: z.strictObject({ id: z.string().max(64) }),
    run: async ({ id }) => tell(await processes.end(id), id),
  });
}

/** Commands, in the foreground for at most `limitSeconds` each, or in the background (C24). `close` ends what still runs. */
export function commandTools(
  place: CommandPlace,
  limitSeconds: number,
): { readonly tools: readonly AgentTool[]; readonly close: () => Promise<void> } {
  const quietPlace = { ...place, environment: { ...place.environment, ...quiet } };
  const processes = new Processes(quietPlace);
  return {
    tools: [runCommandTool(quietPlace, processes, limitSeconds), checkProcess(processes), killProcess(processes)],
    close: () => processes.endAll(),
  };
}
