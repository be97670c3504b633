import type { Command } from 'commander';
import { action, examples, type Session } from '../session.ts';
import { counted } from '../terminal/clean-text.ts';

/** `state export` and `state rebuild`. */
export function addState(program: Command, session: Session): void {
  const state = program
    .command('state')
    .summary('export or rebuild the read model')
    .description('Works with the read model, which is made from the ledger and from nothing else.');
  const exported = state
    .command('export')
    .description('Prints the whole read model as canonical JSON (RFC 8785).')
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const text = await company.exportState();
          if (!text.ok) return context.fail(text.error);
          context.data(text.value);
          return 0;
        }),
      ),
    );
  examples(exported, 'agentcompany state export | sha256sum');
  const rebuild = state
    .command('rebuild')
    .description('Throws the read model away and makes it again from the ledger.')
    .action(
      action(session, async (context) =>
        context.withCompany({}, async (company) => {
          const rebuilt = await company.rebuildState();
          if (!rebuilt.ok) return context.fail(rebuilt.error);
          if (context.json) context.document({ version: 1, runs: rebuilt.value.runs });
          else context.data(`${counted(rebuilt.value.runs, 'run')} rebuilt`);
          return 0;
        }),
      ),
    );
  examples(rebuild, 'agentcompany state rebuild');
}
