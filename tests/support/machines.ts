import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { unwrap, type Envelope } from '@agentcompany/protocol';
import { expect } from 'vitest';
import { openDockerEngine } from '../../orchestrator/src/containers/dod/open-engine.ts';
import { labelNames } from '../../orchestrator/src/containers/worker-labels.ts';
import { hostToken } from '../../orchestrator/src/host-token.ts';
import { environmentOfEngine, installation, openTestCompany, type TestCompany } from './open-test-company.ts';

const commandLine = join(installation, 'tools', 'cli', 'src', 'main.ts');
/** The engine home's address, in a network that exists only between the namespaces of one test. */
const hubAddress = '10.231.0.1';
const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Namespaces are named after the process of the test: those of one that died are removed here. */
function removeStaleNamespaces(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ');
    const pid = /^company-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name);
  }
}

export interface Machine {
  readonly name: string;
  readonly namespace: string;
  process: ChildProcess | null;
  output: string;
}

/** A machine that carries out work: a process in a network namespace of its own. */
export interface HostMachine extends Machine {
  readonly folder: string;
  /** The name of its link, on the engine home's side. */
  readonly link: string;
}

export interface LedgerEntry {
  readonly stream: string;
  readonly seq: number;
  readonly envelope: Envelope;
}

/** An engine home with its Redis and any number of worker hosts, each in its own network namespace, joined by a bridge. */
export class Machines {
  readonly #company: TestCompany;
  readonly #prefix = `company-${process.pid}-`;
  readonly #others: ChildProcess[] = [];
  readonly hub: Machine;
  readonly redis: Machine;
  readonly hosts: HostMachine[] = [];

  constructor(company: TestCompany) {
    this.#company = company;
    const namespace = `${this.#prefix}hub`;
    this.hub = { name: 'hub', namespace, process: null, output: '' };
    this.redis = { name: 'redis', namespace, process: null, output: '' };
  }

  /** Lays the network out and starts Redis. Times in milliseconds; `more` is for the company's configuration. */
  async open(hosts: readonly string[], leaseMs: number, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    removeStaleNamespaces();
    const { namespace } = this.hub;
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', namespace, 'address', 'add', `${hubAddress}/24`, 'dev', 'bridge');
    for (const device of ['lo', 'bridge']) ip('-n', namespace, 'link', 'set', device, 'up');
    hosts.forEach((name, index) => this.#addHost(name, index));
    const settings = {
      version: 1,
      message_queue: 'redis',
      redis_url: `redis://${hubAddress}:6379`,
      lease_ms: leaseMs,
      api: { host: hubAddress, port: 4750 },
      ...more,
    };
    writeFileSync(this.#company.home.configFile, JSON.stringify(settings));
    await this.startRedis();
  }

  #addHost(name: string, index: number): void {
    const namespace = `${this.#prefix}${name}`;
    const link = `to-${name}`;
    ip('netns', 'add', namespace);
    ip('-n', this.hub.namespace, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('-n', this.hub.namespace, 'link', 'set', link, 'master', 'bridge', 'up');
    ip('-n', namespace, 'address', 'add', `10.231.0.${index + 2}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up');
    const folder = join(this.#company.folder, name);
    this.hosts.push({ name, namespace, link, folder, process: null, output: '' });
  }

  async startRedis(): Promise<void> {
    const folder = join(this.#company.folder, 'redis');
    mkdirSync(folder, { recursive: true });
    const settings = ['--bind', hubAddress, '--protected-mode', 'no', '--dir', folder, '--save', ''];
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'];
    const started = spawn('ip', ['netns', 'exec', this.hub.namespace, 'redis-server', ...settings, ...durable]);
    this.redis.process = started;
    this.#others.push(started);
    for await (const line of createInterface(started.stdout)) if (line.includes('Ready to accept')) break;
    if (started.exitCode !== null) throw new Error('redis-server did not start');
    started.stdout.resume();
  }

  #spawn(machine: Machine, words: readonly string[], more: Readonly<Record<string, string>> = {}): ChildProcess {
    const command = [process.execPath, '--conditions=development', commandLine, ...words];
    const { CRASH_AT: _crash, ...environment } = process.env;
    const env = { ...environment, AGENTCOMPANY_HOME: this.#company.home.root, NO_COLOR: '1', ...more };
    // `ip netns exec` becomes the command: a signal to it reaches the process itself.
    return spawn('ip', ['netns', 'exec', machine.namespace, ...command], { env });
  }

  #keep(machine: Machine, child: ChildProcess): void {
    machine.process = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (machine.output += chunk.toString()));
  }

  /** Starts the engine, which does no work itself; resolves when hosts can join. */
  async startEngine(): Promise<void> {
    const before = this.hub.output.length;
    this.#keep(this.hub, this.#spawn(this.hub, ['engine', '--no-workers']));
    await untilSaid(this.hub, 'Worker hosts join at', before);
  }

  /** Starts a host with one slot; resolves when it has joined. */
  async startHost(host: HostMachine): Promise<void> {
    const before = host.output.length;
    const words = ['worker-host', '--bus', `redis://${hubAddress}:6379`, '--engine', `http://${hubAddress}:4750`];
    const own = ['--folder', host.folder, '--max-workers', '1'];
    const token = unwrap(hostToken(this.#company.home));
    this.#keep(host, this.#spawn(host, [...words, ...own], { AGENTCOMPANY_HOST_TOKEN: token }));
    await untilSaid(host, 'joined as', before);
  }

  async kill(machine: Machine, signal: NodeJS.Signals): Promise<void> {
    const child = machine.process;
    if (child === null) return;
    machine.process = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** The exit code of a process that ends by itself, or by `signal`. */
  async ended(machine: Machine, signal?: NodeJS.Signals): Promise<number | null> {
    const child = machine.process;
    if (child === null) throw new Error(`${machine.name} was not started`);
    machine.process = null;
    if (child.exitCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    if (signal !== undefined) child.kill(signal);
    await ended;
    return child.exitCode;
  }

  cut(host: HostMachine): void {
    ip('-n', this.hub.namespace, 'link', 'set', host.link, 'down');
  }

  heal(host: HostMachine): void {
    ip('-n', this.hub.namespace, 'link', 'set', host.link, 'up');
  }

  /** Calls the command line on the engine home; its output, where it ended with 0. */
  async call(...words: string[]): Promise<string> {
    const child = this.#spawn(this.hub, words);
    let output = '';
    let talk = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (talk += chunk.toString()));
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`agentcompany ${words.join(' ')}: ${child.exitCode}\n${talk}${output}`);
    return output;
  }

  /** Follows a run: resolves with the entries so far as soon as they satisfy `isThere`. */
  watch(runId: string): {
    readonly until: (isThere: (seen: readonly LedgerEntry[]) => boolean) => Promise<void>;
    readonly seen: LedgerEntry[];
  } {
    const seen: LedgerEntry[] = [];
    const waiting = new Set<() => void>();
    const child = this.#spawn(this.hub, ['watch', runId, '--json']);
    this.#others.push(child);
    if (child.stdout !== null)
      createInterface(child.stdout).on('line', (line) => {
        const entry = JSON.parse(line) as Partial<LedgerEntry>;
        if (entry.envelope === undefined) return;
        seen.push(entry as LedgerEntry);
        waiting.forEach((look) => look());
      });
    const until = (isThere: (entries: readonly LedgerEntry[]) => boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isThere(seen)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    return { until, seen };
  }

  /** Ends every process, then takes containers and network away. */
  async close(): Promise<void> {
    for (const host of this.hosts) {
      await this.kill(host, 'SIGKILL');
      await removeContainersOf(host.folder);
    }
    await this.kill(this.hub, 'SIGKILL');
    for (const child of this.#others) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    for (const line of ip('netns', 'list').split('\n')) {
      const [name = ''] = line.split(' ');
      if (name.startsWith(this.#prefix)) ip('netns', 'delete', name);
    }
  }
}

async function untilSaid(machine: Machine, words: string, after: number): Promise<void> {
  const child = machine.process;
  while (!machine.output.slice(after).includes(words)) {
    if (child === null || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${machine.name} ended: ${machine.output.slice(after)}`);
    await Promise.race([once(child.stdout ?? child, 'data'), once(child.stderr ?? child, 'data'), once(child, 'exit')]);
  }
}

const engine = () => unwrap(openDockerEngine({ dockerHost: environmentOfEngine()['DOCKER_HOST'] ?? null }));

/** Ends what the task in a container waits for: its command looks for the file `/tmp/go`. */
export async function release(containerId: string): Promise<void> {
  const pid = async (): Promise<number> => {
    const { raw } = unwrap(await engine().inspect(containerId));
    return (raw['State'] as { readonly Pid: number }).Pid;
  };
  // It is on record before it is started.
  await expect.poll(pid, { timeout: 30_000 }).toBeGreaterThan(0);
  writeFileSync(`/proc/${await pid()}/root/tmp/go`, '');
}

/** Whether the container is still there. */
export async function isThere(containerId: string): Promise<boolean> {
  return (await engine().inspect(containerId)).ok;
}

/** The name of the host in this folder: its containers carry it. */
export function instanceOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'instance.json'), 'utf8')) as { readonly instance_id: string })
    .instance_id;
}

/** Containers of the host in this folder that carry work out; a worker that waits for some is none. */
export async function containersOf(folder: string): Promise<number> {
  const owned = unwrap(await engine().list(instanceOf(folder)));
  return owned.filter(({ labels }) => labels[labelNames.attempt] !== undefined).length;
}

async function removeContainersOf(folder: string): Promise<void> {
  if (!existsSync(join(folder, 'instance.json'))) return;
  for (const { id } of unwrap(await engine().list(instanceOf(folder)))) unwrap(await engine().remove(id));
}

function namespacesLeft(): readonly string[] {
  return ip('netns', 'list')
    .split('\n')
    .filter((line) => line.startsWith(`company-${process.pid}-`));
}

/** A company and machines that may work for it. `dispose` ends them all, and throws where something of them is left in the kernel. */
export async function companyWithMachines(): Promise<{
  readonly company: TestCompany;
  readonly machines: Machines;
  readonly dispose: () => Promise<void>;
}> {
  const company = await openTestCompany();
  const machines = new Machines(company);
  const dispose = async (): Promise<void> => {
    await machines.close();
    await company.dispose();
    const left = namespacesLeft();
    if (left.length > 0) throw new Error(`namespaces are left: ${left.join(', ')}`);
  };
  return { company, machines, dispose };
}
