import type { Note } from '../door-notes.ts';
import type { RestoredWork } from '../leave-work.ts';
import type { TaskOrder } from '../work.ts';
import type { AgentOrder } from '@agentcompany/protocol';

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines, ''];
}

const listed = (items: readonly string[]): readonly string[] => items.map((item) => `- ${item}`);

function feedbackLines({ feedback }: TaskOrder): readonly string[] {
  if (feedback === null) return [];
  const findings = feedback.findings.map(({ path, message }) => `- ${path === null ? '' : `${path}: `}${message}`);
  return [feedback.message, ...findings];
}

/** An agent does not remember an earlier attempt: it is told what is there. */
const restoredLines: Readonly<Record<RestoredWork, readonly string[]>> = {
  'in place': [
    'An earlier attempt at this task ended before it was done. Its changes are in the working copy, not committed.',
    'Look at them first (`git status`, `git diff`), keep what is good, and go on from there.',
  ],
  'not kept': ['An earlier attempt at this task ended before it was done. Its changes could not be kept: begin anew.'],
  'do not fit': [
    'An earlier attempt at this task ended before it was done. The files have changed since and its changes no longer fit: begin anew.',
  ],
};

const rules = [
  'Work only in the current folder, a git repository. There is no network.',
  'Nobody answers questions: decide yourself, and make the change now.',
  'Read CLAUDE.md or AGENTS.md where the repository has one.',
  'Leave your changes in the working copy, or commit them; do not push, and do not rewrite history.',
];

/** What is new besides the task. */
export interface Circumstances {
  readonly notes: readonly Note[];
  /** What became of an earlier attempt's changes; null: there were none. */
  readonly restored: RestoredWork | null;
}

/** A task in the words a code agent is given: who it is, what to do, what it is measured by, and what an earlier attempt found and left. */
export function agentPrompt(order: TaskOrder, agent: AgentOrder, { notes, restored }: Circumstances): string {
  const { definition, paths, acceptance } = agent;
  const self = [definition.personality, definition.prompt].map((text) => text.trim()).filter((text) => text !== '');
  return [
    ...self.flatMap((text) => [text, '']),
    `# ${order.title}`,
    '',
    ...(order.instructions.trim() === '' ? [] : [order.instructions.trim(), '']),
    ...section('It is done when', listed(acceptance)),
    ...section('Only change what lies in', listed(paths)),
    ...section('These commands must succeed afterwards', listed(order.verify.map((command) => `\`${command}\``))),
    ...section('What the person who gave the task said besides', listed(notes.map(({ text }) => text))),
    ...section('What an earlier attempt was told', feedbackLines(order)),
    ...section('Where the work stands', restored === null ? [] : restoredLines[restored]),
    ...section('Rules', listed(rules)),
  ].join('\n');
}

/** What people told after the prompt: for an agent that goes on where it is. */
export function furtherPrompt(notes: readonly Note[]): string {
  return ['The person who gave the task says, in addition to it:', '', ...listed(notes.map(({ text }) => text))].join(
    '\n',
  );
}
