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
  /** A stdio server that offers the host's tools by the Model Context Protocol; null: there is none. */
  readonly toolServer: ToolServer | null;
}

/** A program that speaks the Model Context Protocol on its standard streams. */
export interface ToolServer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

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
