import path from 'node:path';
import type { Plan } from '@agentcompany/protocol';
import { inlineScript } from './inline-script.ts';
import type { PackageName } from './package-name.ts';
import type { PackageSurvey } from './package-survey.ts';

export interface DemoPlanRequest {
  readonly name: PackageName;
  readonly survey: PackageSurvey;
  /** Folder of the demo's scripts. */
  readonly scriptsFolder: string;
  /** Whether the first draft of the smoke test expects an export that does not exist. */
  readonly withFlaw: boolean;
}

const sources = '**/*.{js,mjs,cjs,ts,mts,cts}';
const smokeTest = 'node --test test/smoke.test.mjs';
const syntax = "git ls-files -z '*.js' '*.mjs' '*.cjs' | xargs -0 -n 1 node --check";

type Draft = Pick<Plan['tasks'][number], 'id' | 'title' | 'instructions' | 'paths'> & {
  readonly script: string;
  readonly args?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly verify: readonly string[];
  readonly allow_empty?: boolean;
};

/** The first two write at one place of the README, and start on the same commit: whichever is merged second conflicts. */
function draftsOf({ survey, withFlaw }: DemoPlanRequest): readonly Draft[] {
  return [
    {
      id: 'contents',
      title: 'Give the README a table of contents',
      instructions: "Right below the README's title, list its sections.",
      paths: [survey.readme],
      script: 'readme-contents.mjs',
      verify: [`grep -q '<!-- contents -->' ${survey.readme}`],
    },
    {
      id: 'doc-link',
      title: 'Lead from the README to the documentation',
      instructions: "Right below the README's title, say where the documentation is.",
      paths: [survey.readme],
      script: 'readme-documentation.mjs',
      verify: [`grep -q 'docs/API.md' ${survey.readme}`],
    },
    {
      id: 'smoke-test',
      title: 'Test that every export is there',
      instructions: 'Write a test that imports the package and checks everything it exports.',
      paths: ['test/smoke.test.mjs'],
      script: 'smoke-test.mjs',
      args: withFlaw ? ['--assume=version'] : [],
      verify: [smokeTest],
    },
    {
      id: 'format',
      title: 'One form for all source files',
      instructions: 'One line ending, no trailing blanks, a newline at the end, and an .editorconfig that says so.',
      paths: ['.editorconfig', sources],
      script: 'format-sources.mjs',
      verify: ['test -f .editorconfig', "! git ls-files --eol -- '*.js' '*.mjs' '*.cjs' | grep -E '^i/(crlf|mixed)'"],
      allow_empty: true,
    },
    {
      id: 'api-docs',
      title: 'Document every export',
      instructions: 'Write docs/API.md from what the package exports when it is imported.',
      paths: ['docs/API.md'],
      script: 'api-docs.mjs',
      verify: ["grep -q '^## ' docs/API.md"],
    },
    {
      id: 'headers',
      title: 'Name the license in every source file',
      instructions: 'Put an SPDX line at the top of every source file that no tool has made.',
      paths: [sources],
      script: 'license-headers.mjs',
      depends_on: ['format'],
      verify: [syntax],
      allow_empty: true,
    },
    {
      id: 'changelog',
      title: 'Say in the changelog what is new',
      instructions: 'List what this change brings, judged by what is in the tree.',
      paths: [survey.changelog],
      script: 'changelog.mjs',
      depends_on: ['contents', 'doc-link', 'smoke-test', 'api-docs', 'headers'],
      verify: [`grep -q '## Unreleased' ${survey.changelog}`],
    },
  ];
}

/** The one plan of the demo: codemods and generators that suit any package without dependencies. */
export async function demoPlan(request: DemoPlanRequest): Promise<Plan> {
  const tasks = draftsOf(request).map(async ({ script, args, ...draft }) => ({
    ...draft,
    depends_on: [...(draft.depends_on ?? [])],
    verify: [...draft.verify],
    acceptance: [],
    agent: 'command' as const,
    run: { script: await inlineScript(path.join(request.scriptsFolder, script), args), interpreter: 'node' as const },
    allow_empty: draft.allow_empty ?? false,
    allow_executable: false,
  }));
  return {
    version: 1,
    title: `Make ${request.name.name} easier to keep`,
    summary: `Documentation, a test of every export and license headers for ${request.name.id}, made by codemods and generators.`,
    verify: [smokeTest, syntax],
    tasks: await Promise.all(tasks),
  };
}
