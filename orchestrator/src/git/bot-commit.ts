import { success, type Result } from '@agentcompany/protocol';
import type { BareRepository } from './bare-repository.ts';
import { outputText } from './runner.ts';

const botName = 'AgentCompany';
const botEmail = 'agent@agentcompany.invalid';

/** Writes a commit in the bot's name. The same arguments give the same object name: a repeat after a crash changes nothing. */
export async function writeBotCommit(
  repository: BareRepository,
  commit: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    /** Seconds since 1970. */
    readonly seconds: number;
  },
): Promise<Result<string>> {
  const date = `@${commit.seconds} +0000`;
  const written = await repository.run({
    arguments: ['commit-tree', ...commit.parents.flatMap((parent) => ['-p', parent]), '-F', '-', commit.tree],
    gitDir: repository.folder,
    input: commit.message,
    variables: {
      GIT_AUTHOR_NAME: botName,
      GIT_AUTHOR_EMAIL: botEmail,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: botName,
      GIT_COMMITTER_EMAIL: botEmail,
      GIT_COMMITTER_DATE: date,
    },
  });
  return written.ok ? success(outputText(written.value)) : written;
}
