import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
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

/** What stands on a good configuration; without one its own line says what is wrong. */
async function chainOf(context: Context, home: CompanyHome): Promise<readonly Check[]> {
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const { environment, checkout } = context.io;
  const loaded = loadConfig({ home, environment });
  if (!loaded.ok) return [];
  const { chainChecks } = await import('@agentcompany/orchestrator/chain-checks');
  return chainChecks({ home, config: loaded.value.config, environment, installation: checkout });
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
        const { basicChecks, runChecks } = await import('@agentcompany/orchestrator/doctor');
        const checks = [...basicChecks(home.value, context.io.environment), ...(await chainOf(context, home.value))];
        const reports = await runChecks(checks, (report) => {
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
