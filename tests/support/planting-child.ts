import { unwrap } from '@agentcompany/protocol';
import { resolveHome } from '../../orchestrator/src/company-home.ts';
import { loadConfig, processEnvironment } from '../../orchestrator/src/config.ts';
import { openCompany } from '../../orchestrator/src/open-company.ts';
import { installation, planOf } from './open-test-company.ts';

/** `node planting-child.ts HOME COMMAND`: a run of one task that is this command, as a process of its own that can be watched. */
const [, , folder = '', command = ''] = process.argv;
const home = unwrap(resolveHome({ flag: folder, environment: {}, cwd: process.cwd() }));
const environment = processEnvironment();
const { config } = unwrap(loadConfig({ home, environment }));
const company = unwrap(await openCompany(home, { config, environment, installation }));
const plan = planOf([{ id: 'plant', run: { command } }], { verify: ['test -f work.txt'] });
const { runId } = unwrap(await company.submit({ projectId: 'app', instruction: 'Plant', plan }));
unwrap(await company.drive({ runs: [runId], signal: AbortSignal.timeout(90_000) }));
const run = unwrap(await company.showRun(runId));
process.stdout.write(`${JSON.stringify({ state: run.state, error: run.error, tasks: run.task_list })}\n`);
await company.close();
