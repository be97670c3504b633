import path from 'node:path';
import type { Command } from 'commander';
import type { GlobalOptions } from '../context.ts';
import { defaultPackage } from '../demo/default-package.ts';
import { action, examples, type Session } from '../session.ts';

interface DemoOptions {
  readonly package: string;
  /** False by --no-flaw. */
  readonly flaw: boolean;
  readonly minds?: true;
  readonly model?: string;
  readonly keep?: true;
}

/** `demo`: one plan on a real package, from instruction to pull request. */
export function addDemo(program: Command, session: Session): void {
  const command = program
    .command('demo')
    .summary('show the whole line on a real package')
    .description(
      'Makes a repository of a published npm package and carries out a plan on it in parallel containers, to one pull request. ' +
        'No model, no key; with --minds a script plays the model that plans, works and reviews. Everything it makes is below runtime/demo of the checkout, or of --home.',
    )
    .option('--package <name@version>', 'package of plain JavaScript without dependencies', defaultPackage)
    .option('--no-flaw', 'leave out the mistake that one task makes at first')
    .option('--minds', 'add tasks for agents, a plan and reviews by a model, which a script plays')
    .option('--model <name>', 'the same with a real model (docs/models.md); it costs what it costs')
    .option('--keep', 'set what an earlier demo left aside instead of removing it')
    .option('-y, --yes', 'ask nothing (set-up asks before it installs; the demo itself never asks)')
    .action(
      action<DemoOptions>(session, async (context, _operands, options) => {
        const { runDemo } = await import('../demo/run-demo.ts');
        const top = path.resolve(context.io.cwd, program.opts<GlobalOptions>().home ?? context.io.checkout);
        return runDemo(
          {
            package: options.package,
            withFlaw: options.flaw,
            minds: options.minds === true || options.model !== undefined ? { model: options.model ?? null } : null,
            keep: options.keep === true,
            folder: path.join(top, 'runtime', 'demo'),
          },
          context,
        );
      }),
    );
  examples(
    command,
    'agentcompany demo',
    'agentcompany demo --minds',
    'agentcompany demo --package kleur@4.1.5 --no-flaw',
  );
}
