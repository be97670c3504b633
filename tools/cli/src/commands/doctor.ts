import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import type { Config } from '@agentcompany/orchestrator/config';
import type { Check, CheckReport } from '@agentcompany/orchestrator/doctor';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { action, examples, type Session } from '../session.ts';
import { cleanLine } from '../terminal/clean-text.ts';

function printReport(context: Context, report: CheckReport): void {
  const { style } = context;
  const mark = report.ok ? style.good('ok    ') : style.bad('failed');
  context.data(
    `${mark}  ${report.title.padEnd(16)}  ${report.error === null ? '' : `${report.error.code}: `}${cleanLine(report.detail)}`,
  );
  if (report.error !== null && report.error.cause !== null)
    context.data(`        cause: ${cleanLine(report.error.cause)}`);
  if (report.error !== null) context.data(`        remedy: ${cleanLine(report.error.remedy)}`);
}

/** What stands on a good configuration. */
async function chainOf(context: Context, home: CompanyHome, config: Config): Promise<readonly Check[]> {
  const { chainChecks } = await import('@agentcompany/orchestrator/open-checks');
  const { environment, checkout } = context.io;
  return chainChecks({ home, config, environment, installation: checkout });
}

/** `doctor`: the whole chain a run needs, one line each. */
export function addDoctor(program: Command, session: Session): void {
  const command = program
    .command('doctor')
    .summary('check all that a run needs')
    .description('Checks all that a run needs, one line each, with the remedy where something is wrong.')
    .action(
      action(session, async (context) => {
        const home = await context.home();
        if (!home.ok) return context.fail(home.error);
        const { loadConfig } = await import('@agentcompany/orchestrator/config');
        const { basicChecks, runChecks } = await import('@agentcompany/orchestrator/doctor');
        const loaded = loadConfig({ home: home.value, environment: context.io.environment });
        const configuration = {
          id: 'config',
          title: 'configuration',
          run: async () =>
            loaded.ok ? { ok: true as const, value: loaded.value.warnings.join('; ') || 'good' } : loaded,
        };
        const chain = loaded.ok ? await chainOf(context, home.value, loaded.value.config) : [];
        const reports = await runChecks([...basicChecks(home.value), configuration, ...chain], (report) => {
          if (!context.json) printReport(context, report);
        });
        const failed = reports.filter((report) => !report.ok).length;
        if (context.json) context.document({ version: 1, ok: failed === 0, checks: reports });
        if (failed === 0) return 0;
        const { cliErrors } = await import('../errors.ts');
        return context.fail(cliErrors.AC_DOCTOR_FAILED({ count: failed, total: reports.length }));
      }),
    );
  examples(command, 'agentcompany doctor', 'agentcompany doctor --json | jq ".checks[] | select(.ok | not)"');
}
