import type { Result } from '@agentcompany/protocol';
import type { Command } from 'commander';

/** The command a word stands for, with its parents: `list` -> `agentcompany runs list`; null where it is none. */
function commandFor(word: string, root: Command): string | null {
  const queue: { readonly command: Command; readonly path: string }[] = [{ command: root, path: root.name() }];
  for (const { command, path } of queue) {
    for (const child of command.commands) {
      const childPath = `${path} ${child.name()}`;
      if (child.name() === word || child.aliases().includes(word)) return childPath;
      queue.push({ command: child, path: childPath });
    }
  }
  return word === 'help' || word === 'version' ? `${root.name()} --${word}` : null;
}

/**
 * The instruction without surrounding space. Errors: `AC_INSTRUCTION_EMPTY`; `AC_INSTRUCTION_IS_COMMAND` for a single word
 * that is a command, where the person most likely meant it (C32).
 */
export async function checkInstruction(text: string, root: Command): Promise<Result<string>> {
  const instruction = text.trim();
  if (instruction === '') {
    const { orchestratorErrors } = await import('@agentcompany/orchestrator/errors');
    return { ok: false, error: orchestratorErrors.AC_INSTRUCTION_EMPTY() };
  }
  const command = /\s/.test(instruction) ? null : commandFor(instruction.toLowerCase(), root);
  if (command === null) return { ok: true, value: instruction };
  const { cliErrors } = await import('./errors.ts');
  return { ok: false, error: cliErrors.AC_INSTRUCTION_IS_COMMAND({ word: instruction, command }) };
}
