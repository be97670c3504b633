import { agentRuntimes } from '@agentcompany/protocol';

/** A code agent that can be installed into an image: every runtime but our own. */
export type CodeAgent = Exclude<(typeof agentRuntimes)[number], 'builtin'>;

export const codeAgents: readonly CodeAgent[] = agentRuntimes.filter((runtime) => runtime !== 'builtin');

/** The processor of workers as npm calls it. */
export type Processor = 'x64' | 'arm64';

interface AgentPackage {
  /** The program itself below the folder npm installed into. Launchers that install scripts would have made are not used. */
  readonly program: (processor: Processor) => string;
  /** What is installed beside it and never needed, below the same folder: half a gigabyte otherwise. */
  readonly unneeded: (processor: Processor) => readonly string[];
}

const codexTarget = (processor: Processor): string =>
  `node_modules/@openai/codex-linux-${processor}/vendor/${processor === 'x64' ? 'x86_64' : 'aarch64'}-unknown-linux-musl`;

/** Where each agent lies in its npm packages, whose versions `worker-image/agents/<agent>/package-lock.json` holds. */
export const agentPackages: Readonly<Record<CodeAgent, AgentPackage>> = {
  'claude-code': {
    program: (processor) => `node_modules/@anthropic-ai/claude-code-linux-${processor}/claude`,
    unneeded: () => [],
  },
  'codex': {
    program: (processor) => `${codexTarget(processor)}/bin/codex`,
    unneeded: (processor) => [`${codexTarget(processor)}/codex-resources/voice`],
  },
  'opencode': {
    // The baseline build runs on every x86-64 processor.
    program: (processor) =>
      `node_modules/opencode-linux-${processor}${processor === 'x64' ? '-baseline' : ''}/bin/opencode`,
    unneeded: (processor) => (processor === 'x64' ? ['node_modules/opencode-linux-x64'] : []),
  },
  'gemini-cli': {
    program: () => 'node_modules/@google/gemini-cli/bundle/gemini.js',
    unneeded: () => [],
  },
};

/** Where the agents lie inside an image; `bin/<agent>` is the program. */
export const agentsFolder = '/opt/agents';
