import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { action, examples, type Session } from '../session.ts';

/** `host-token`: prints the secret that lets worker hosts in. */
export function addHostToken(program: Command, session: Session): void {
  const command = program
    .command('host-token')
    .summary('print the token that lets worker hosts in')
    .description(
      'Prints the token with which worker hosts of other machines join this company. Whoever has it takes part in its work: keep it like a password.',
    )
    .action(
      action(session, async (context) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const { hostToken } = await import('@agentcompany/orchestrator/host-token');
        const token = hostToken(home.value);
        if (!token.ok) return context.fail(token.error);
        if (context.json) context.document({ version: 1, token: token.value });
        else context.data(token.value);
        return exitCodes.ok;
      }),
    );
  examples(command, 'agentcompany host-token > host-token   (give this file to the other machine)');
}
