import type { Plan } from '@agentcompany/protocol';

type Task = Plan['tasks'][number];

/** A task for an agent with a model, and what the scripted model of the demo writes for it. */
export interface MindTask {
  readonly task: Task;
  readonly file: string;
  /** What it writes at first: its check, or the reviewer, finds what is missing. */
  readonly draft: string;
  /** What it writes once it has been told. */
  readonly final: string;
  /** What the scripted reviewer asks for as long as the change does not hold `sought`; null: it approves. */
  readonly objection: { readonly sought: string; readonly message: string } | null;
}

function taskFor(task: Pick<Task, 'id' | 'title' | 'instructions' | 'paths' | 'acceptance' | 'verify'>): Task {
  return { ...task, depends_on: [], agent: 'coder', allow_empty: false, allow_executable: false };
}

/** Two pages that need somebody who reads before he writes. One draft fails its own check, the other does not convince the reviewer. */
export function mindTasks(name: string): readonly MindTask[] {
  const contributing = `# Contributing to ${name}\n\nOpen an issue before you begin something large. Keep a change small, and say why it is needed.\n`;
  const security = `# Security of ${name}\n\nReport a hole in private to the maintainers named in package.json, never in a public issue.\n`;
  const versions = 'The latest published version gets mended; older ones do not.';
  return [
    {
      task: taskFor({
        id: 'contributing',
        title: 'Say how to contribute',
        instructions:
          'Read package.json, then write CONTRIBUTING.md: how a change is proposed, and how its tests are run.',
        paths: ['CONTRIBUTING.md'],
        acceptance: ['It names the command that runs the tests.'],
        verify: [
          "grep -q 'node --test' CONTRIBUTING.md || { echo 'Error: it does not say how the tests are run'; exit 1; }",
        ],
      }),
      file: 'CONTRIBUTING.md',
      draft: contributing,
      final: `${contributing}\nRun the tests with \`node --test\` before you propose it.\n`,
      objection: null,
    },
    {
      task: taskFor({
        id: 'security-policy',
        title: 'Say where to report a hole',
        instructions:
          'Read package.json, then write SECURITY.md: how a hole is reported, and which versions get mended.',
        paths: ['SECURITY.md'],
        acceptance: ['It says how a hole is reported.', 'It says which versions get mended.'],
        verify: ['test -s SECURITY.md'],
      }),
      file: 'SECURITY.md',
      draft: security,
      final: `${security}\n${versions}\n`,
      objection: { sought: versions, message: 'It does not say which versions get mended.' },
    },
  ];
}
