import { unwrap } from '@agentcompany/protocol';
import { resolveHome } from '../../orchestrator/src/company-home.ts';
import { loadConfig, processEnvironment } from '../../orchestrator/src/config.ts';
import { openCompany } from '../../orchestrator/src/open-company.ts';
import { installation, planOf } from './open-test-company.ts';

/**
 * `node crash-child.ts HOME`: submits one fixed plan of two tasks (the same run however often it is started) and drives it to
 * its pull request. Started with CRASH_AT=<n> it ends by SIGKILL at its n-th durable step; started again it goes on.
 */
const home = unwrap(resolveHome({ flag: process.argv[2] ?? '', environment: {}, cwd: process.cwd() }));
const environment = processEnvironment();
const { config } = unwrap(loadConfig({ home, environment, flags: { max_workers: 2 } }));
const company = unwrap(await openCompany(home, { config, environment, installation }));
const plan = planOf(
  [
    { id: 'one', run: { command: 'echo one > one.txt' }, verify: ['test -f one.txt'], paths: ['one.txt'] },
    { id: 'two', run: { command: 'echo two > two.txt' }, verify: ['test -f two.txt'], paths: ['two.txt'] },
  ],
  { verify: ['test -f one.txt', 'test -f two.txt'] },
);
const { runId } = unwrap(
  await company.submit({ projectId: 'app', instruction: 'Write two files', plan, idempotencyKey: 'crash sweep' }),
);
unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) }));
process.stdout.write(`${JSON.stringify({ runId, state: unwrap(await company.showRun(runId)).state })}\n`);
await company.close();
