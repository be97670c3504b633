import path from 'node:path';
import type { Command } from 'commander';
import type { ConfigFlags, Context } from '../context.ts';
import { engineConfig } from '../engine-config.ts';
import { exitCodes } from '../exit-codes.ts';
import { positiveInteger } from '../operands.ts';
import { action, examples, type Session } from '../session.ts';
import { hostLine } from '../terminal/host-line.ts';

interface WorkerHostOptions {
  readonly bus?: string;
  readonly engine: string;
  readonly tokenFile?: string;
  readonly folder?: string;
  readonly maxWorkers: number;
  readonly containerRuntime?: string;
  readonly acceptNoLimits?: true;
}

/** `worker-host`: carries out the work of a company whose engine is on another machine. */
export function addWorkerHost(program: Command, session: Session): void {
  const command = program
    .command('worker-host')
    .summary('work for a company on another machine')
    .description(
      'Joins a company over its bus and carries out its work in containers of this machine, until Ctrl-C: then it takes no new work and ends when what it has is done. A second Ctrl-C gives that back.',
    )
    .requiredOption('--engine <url>', 'the engine home, as http://HOST:PORT')
    .option('--bus <url>', 'the bus, as redis://HOST:PORT (AGENTCOMPANY_REDIS_URL)')
    .option('--token-file <file>', 'file with the token (AGENTCOMPANY_HOST_TOKEN)')
    .option('--folder <folder>', 'folder of this host')
    .option('--max-workers <n>', 'containers at work at once', positiveInteger, 3)
    .option('--container-runtime <name>', 'dod, rootless (AGENTCOMPANY_CONTAINER_RUNTIME)')
    .option('--accept-no-limits', 'permit an engine that enforces no limits')
    .action(action<WorkerHostOptions>(session, (context, _operands, options) => work(context, options)));
  examples(
    command,
    'export AGENTCOMPANY_HOST_TOKEN=…   (what `agentcompany host-token` printed)',
    'agentcompany worker-host --engine http://home:4750 --bus redis://home:6379',
    'agentcompany worker-host --engine https://home:4750 --token-file token',
  );
}

async function work(context: Context, options: WorkerHostOptions): Promise<number> {
  const { environment, cwd, checkout } = context.io;
  const { readToken } = await import('../host-credentials.ts');
  const token = await readToken(options.tokenFile, environment['AGENTCOMPANY_HOST_TOKEN'], cwd);
  if (!token.ok) return context.fail(token.error);
  const config = await engineConfig(context, { useHome: false, flags: engineFlags(options) });
  if (!config.ok) return context.fail(config.error);
  const { runWorkerHost } = await import('@agentcompany/orchestrator/open-worker-host');
  const drain = new AbortController();
  const stop = new AbortController();
  const release = context.io.onInterrupt(() => {
    if (drain.signal.aborted) return stop.abort();
    context.talk('No new work; what is under way is finished. Press Ctrl-C again to give it back.');
    return drain.abort();
  }, 2);
  const ended = await runWorkerHost({
    bus: options.bus ?? environment['AGENTCOMPANY_REDIS_URL'] ?? '',
    engine: options.engine,
    token: token.value,
    folder: path.resolve(cwd, options.folder ?? defaultFolder(environment)),
    maximumWorkers: options.maxWorkers,
    warmWorkers: config.value.warm_workers,
    config: config.value,
    environment,
    installation: checkout,
    drain: drain.signal,
    stop: stop.signal,
    tell: (event, details) => {
      if (context.json) context.document({ version: 1, time: new Date().toISOString(), event, ...details });
      else context.talk(hostLine(new Date(), event, details));
    },
  });
  release();
  return ended.ok ? exitCodes.ok : context.fail(ended.error);
}

function engineFlags({ containerRuntime, acceptNoLimits }: WorkerHostOptions): ConfigFlags {
  return {
    ...(containerRuntime === undefined ? {} : { container_runtime: containerRuntime }),
    ...(acceptNoLimits === true ? { accept_no_limits: true } : {}),
  };
}

/** Where a host keeps its things unless it is told (XDG base directories). */
function defaultFolder(environment: Context['io']['environment']): string {
  const state = environment['XDG_STATE_HOME'] ?? path.join(environment['HOME'] ?? '.', '.local', 'state');
  return path.join(state, 'agentcompany-worker-host');
}
