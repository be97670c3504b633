import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A script of a model's replies in a folder of its own, which goes with the test. Returns the file. */
export function repliesFile(replies: readonly unknown[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'replies-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'replies.json');
  writeFileSync(file, JSON.stringify({ version: 1, replies }));
  return file;
}

/** The settings of a company whose model `planner` answers from this script. */
export function scriptedCompany(replies: readonly unknown[]): {
  readonly flags: Record<string, unknown>;
  readonly file: string;
} {
  const file = repliesFile(replies);
  return { flags: { ai_adapter: 'scripted', model: 'planner', models: { scripted: { file } } }, file };
}

/** An instruction, and a plan for it that needs no model to be carried out. */
export const greeting = {
  instruction: 'Greet the world in a file of its own, then name it in the readme.',
  plan: {
    title: 'Greet the world',
    verify: ['grep -q hello.txt README.md'],
    tasks: [
      { id: 'greet', title: 'Greet', instructions: 'A file.', run: { command: 'echo hello > hello.txt' } },
      {
        id: 'name',
        title: 'Name it',
        instructions: 'In the readme.',
        depends_on: ['greet'],
        run: { script: 'test -f hello.txt\necho "See hello.txt" >> README.md\n', interpreter: 'sh' },
      },
    ],
  },
} as const;
