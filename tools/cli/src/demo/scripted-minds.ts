import type { Plan } from '@agentcompany/protocol';
import type { MindTask } from './minds-tasks.ts';

/** A reply of the scripted model (docs/models.md, "Scripted replies"). */
interface Reply {
  readonly contains: readonly string[];
  readonly capture?: string;
  readonly text?: string;
  readonly tool_calls?: readonly { readonly name: string; readonly input: unknown }[];
}

/** How the Reviewer's question begins; its answer repeats the name of the review. */
const reviewName = '^This is review ([0-9a-f]+)';

/**
 * The replies with which the scripted model plays Manager, Worker and Reviewer in the demo. The first that fits a request is its
 * answer, and a conversation holds all that was said before: what comes late in one therefore stands first.
 */
export function scriptedMinds(instruction: string, plan: Plan, minds: readonly MindTask[]): readonly Reply[] {
  return [
    ...minds.flatMap(reviews),
    ...minds.flatMap(work),
    { contains: ['You split one instruction into tasks', instruction], text: JSON.stringify(plan) },
  ];
}

function reviews({ task, objection }: MindTask): readonly Reply[] {
  const verdict = (word: string, findings: readonly unknown[]): string =>
    JSON.stringify({ review: '{captured}', verdict: word, findings });
  const about = `"title":${JSON.stringify(task.title)}`;
  const approval = { capture: reviewName, text: verdict('approve', []) };
  if (objection === null) return [{ contains: [about], ...approval }];
  const finding = { path: task.paths[0] ?? null, line: null, severity: 'error', message: objection.message };
  return [
    { contains: [about, objection.sought], ...approval },
    { contains: [about], capture: reviewName, text: verdict('request_changes', [finding]) },
  ];
}

function work({ task, file, draft, final }: MindTask): readonly Reply[] {
  const begin = `===== task =====\n${task.title}`;
  const wrote = (text: string): string => `wrote ${Buffer.byteLength(text)} bytes to ${file}`;
  const write = (content: string): NonNullable<Reply['tool_calls']> => [
    { name: 'write_file', input: { path: file, content } },
  ];
  return [
    { contains: [begin, wrote(final)], text: `${file} now says what was missing.` },
    { contains: [begin, 'An earlier attempt did not do.'], tool_calls: write(final) },
    { contains: [begin, wrote(draft)], text: `I read package.json and wrote ${file}.` },
    { contains: [begin, '"license"'], tool_calls: write(draft) },
    { contains: [begin], tool_calls: [{ name: 'read_file', input: { path: 'package.json' } }] },
  ];
}
