import type { AgentOrder } from '@agentcompany/protocol';
import type { AgentProcess } from './agent-process.ts';

/** What an agent may know of where it works. */
export interface AgentPlace {
  readonly order: AgentOrder;
  /** Where its model answers; see `ModelBridge`. */
  readonly address: string;
  /** Absolute: the repository, and a home of its own that is gone afterwards. */
  readonly repository: string;
  readonly home: string;
  readonly prompt: string;
  /** The next prompt where people told something since; null: nothing. */
  readonly hear: () => Promise<string | null>;
  /** URL of a server that offers the host's tools by the Model Context Protocol over HTTP; null: the host has none. */
  readonly toolServer: string | null;
}

/** What agents call the server of the host's tools. */
export const toolServerName = 'agentcompany';

/** What an agent made known of its work, in its own words. Only git says what it did. */
export interface AgentWords {
  /** Its last message. */
  readonly text: string;
  /** Why it says it failed; null: it says it did not. */
  readonly problem: string | null;
}

/** What happens while an agent works, for a person who watches. */
export interface AgentWatch {
  /** It uses a tool, by its name. */
  readonly onTool: (name: string) => void;
  /** It wrote a message. */
  readonly onText: (text: string) => void;
}

/** How one kind of agent is started without anybody to ask, and understood. */
export interface AgentLaunch {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Its configuration: content by path below its home. */
  readonly files: Readonly<Record<string, string>>;
  /** Gives it its task, follows its output to the end, and resolves when it has nothing more to say. */
  readonly converse: (agent: AgentProcess, watch: AgentWatch) => Promise<AgentWords>;
}
