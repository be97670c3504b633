import path from 'node:path';
import type { Command } from 'commander';
import type { GlobalOptions } from '../context.ts';
import { action, examples, type Session } from '../session.ts';

/** `init`: makes a company home. */
export function addInit(program: Command, session: Session): void {
  const command = program
    .command('init')
    .summary('make a company home')
    .description(
      'Makes a company home: its folders, its identity, an empty configuration. Repeating it changes nothing.',
    )
    .argument('[folder]', 'where; --home, AGENTCOMPANY_HOME or the current folder where absent')
    .action(
      action(session, async (context, [folder]) => {
        const { initHome } = await import('@agentcompany/orchestrator/company-home');
        const chosen =
          folder ?? program.opts<GlobalOptions>().home ?? (context.io.environment['AGENTCOMPANY_HOME'] || '.');
        const home = initHome(path.resolve(context.io.cwd, chosen));
        if (!home.ok) return context.fail(home.error);
        if (context.json) context.document({ version: 1, home: home.value.root });
        else context.data(home.value.root);
        context.talk('Next: `agentcompany doctor`, then `agentcompany project add --path FOLDER`.');
        return 0;
      }),
    );
  examples(command, 'agentcompany init', 'agentcompany init ~/company');
}
