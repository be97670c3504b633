import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap, type Result, type WorkOrder } from '@agentcompany/protocol';
import type { ContainerEngine } from '../container-engine.ts';
import { openDockerEngine } from '../dod/open-engine.ts';
import { createWorkerRunner, type WorkerRunnerOptions } from '../sealed-worker-runner.ts';
import type { WorkerLimits } from '../worker-container.ts';
import type { WorkerJob, WorkerOutcome, WorkerRunner } from '../worker-runner.ts';
import { workerRuntime } from './worker-runtime.ts';
import { noServices } from '../../door/attempt-services.ts';

const run = promisify(execFile);
const spareImage = 'agentcompany-test-worker:latest';
/** Where set-up records the image it made for this checkout. */
const imageRecord = new URL('../../../../.cache/worker-image.json', import.meta.url);
const mebibyte = 1_048_576;

export const testLimits: WorkerLimits = {
  memoryBytes: 512 * mebibyte,
  pids: 128,
  cpus: 1,
  workspaceBytes: 128 * mebibyte,
  temporaryBytes: 16 * mebibyte,
};

type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

/** The image set-up made for this checkout; where there was no set-up, one of the distribution's packages. */
export async function workerImage(engine: ContainerEngine): Promise<string> {
  const record: unknown = JSON.parse(await readFile(imageRecord, 'utf8').catch(() => '{}'));
  const reference: unknown =
    typeof record === 'object' && record !== null ? Reflect.get(record, 'reference') : undefined;
  if (typeof reference === 'string' && (await engine.imageInspect(reference)).ok) return reference;
  if (!(await engine.imageInspect(spareImage)).ok) await makeSpareImage(engine);
  return spareImage;
}

async function makeSpareImage(engine: ContainerEngine): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'agentcompany-image-'));
  const archive = join(folder, 'rootfs.tar');
  await run('mmdebstrap', ['--variant=essential', '--include=git,ca-certificates,libstdc++6', 'bookworm', archive]);
  unwrap(await engine.imageImport(createReadStream(archive), { tag: spareImage, changes: [] }));
  await rm(folder, { recursive: true });
}

/** What a test gets back: the outcome of the job and what the worker wrote to its log. */
export interface Finished {
  readonly result: Result<WorkerOutcome>;
  readonly log: string;
  readonly bundleFile: string;
  readonly progress: readonly string[];
  readonly containers: readonly string[];
}

/** A real engine, a mirror with one commit, and a runner of an instance of its own. */
export class WorkerFixture {
  readonly engine: ContainerEngine;
  readonly folder: string;
  readonly mirror: string;
  readonly base: string;
  readonly instance = randomUUID();
  readonly runtime: string;

  /** The image workers run in. */
  readonly image: string;
  /** Runners accept that this engine enforces no limits, unless a test says otherwise. */
  readonly acceptNoLimits: boolean;

  private constructor(
    { engine, image, acceptNoLimits }: Pick<WorkerFixture, 'engine' | 'image' | 'acceptNoLimits'>,
    folder: string,
    base: string,
    runtime: string,
  ) {
    this.engine = engine;
    this.image = image;
    this.acceptNoLimits = acceptNoLimits;
    this.folder = folder;
    this.mirror = join(folder, 'mirror.git');
    this.base = base;
    this.runtime = runtime;
  }

  /** On the system's Docker, unless another engine is given with its image. */
  static async open(
    files: Readonly<Record<string, string>> = { 'readme.txt': 'hello\n' },
    given: { readonly engine?: ContainerEngine; readonly image?: string; readonly enforcesLimits?: boolean } = {},
  ): Promise<WorkerFixture> {
    const engine = given.engine ?? unwrap(openDockerEngine({ dockerHost: process.env['DOCKER_HOST'] ?? null }));
    const image = given.image ?? (await workerImage(engine));
    const folder = await mkdtemp(join(tmpdir(), 'agentcompany-worker-'));
    await chmod(folder, 0o711);
    const base = await makeMirror(folder, files);
    const acceptNoLimits = given.enforcesLimits === false;
    return new WorkerFixture({ engine, image, acceptNoLimits }, folder, base, await workerRuntime());
  }

  runner(options: Partial<WorkerRunnerOptions> = {}): WorkerRunner {
    const { acceptNoLimits, engine, image: defaultImage, instance, runtime: runtimeFolder } = this;
    return createWorkerRunner({ acceptNoLimits, engine, instance, defaultImage, runtimeFolder, ...options });
  }

  order(overrides: Partial<TaskOrder> = {}): TaskOrder {
    return {
      kind: 'task',
      mirror: '/mirror.git',
      base_oid: this.base,
      command_timeout: 30,
      verify: [],
      attempt_id: randomUUID(),
      title: 'Change something',
      instructions: 'as the title says',
      run: { command: 'echo changed > changed.txt' },
      agent: null,
      allow_empty: false,
      feedback: null,
      result_ref: 'refs/agentcompany/result',
      ...overrides,
    };
  }

  job(order: WorkOrder, overrides: Partial<WorkerJob> = {}): WorkerJob {
    const attempt = order.kind === 'task' ? order.attempt_id : randomUUID();
    return {
      owner: { instance: this.instance, run: randomUUID(), task: 'a-task', attempt, epoch: 1 },
      order,
      mirrorFolder: this.mirror,
      image: null,
      limits: testLimits,
      bundleFile: order.kind === 'task' ? join(this.folder, `${attempt}.bundle`) : null,
      logFile: join(this.folder, 'logs', `${attempt}.log`),
      deadlineSeconds: 90,
      signal: new AbortController().signal,
      onCreated: () => Promise.resolve({ ok: true, value: undefined }),
      onProgress: () => undefined,
      services: noServices,
      ...overrides,
    };
  }

  /** Runs an order to its end and gathers all that came of it. */
  async finish(
    order: WorkOrder,
    overrides: Partial<WorkerJob> = {},
    options: Partial<WorkerRunnerOptions> = {},
  ): Promise<Finished> {
    const progress: string[] = [];
    const containers: string[] = [];
    const onCreated = (id: string): Promise<Result<undefined>> => {
      containers.push(id);
      return Promise.resolve({ ok: true, value: undefined });
    };
    const job = this.job(order, { onProgress: (message) => progress.push(message), onCreated, ...overrides });
    const result = await this.runner(options).run(job);
    const log = await readFile(job.logFile, 'utf8').catch(() => '');
    return { result, log, bundleFile: job.bundleFile ?? '', progress, containers };
  }

  /** Runs an attack as an ordinary task and gives what it printed. */
  async probe(command: string, overrides: Partial<WorkerJob> = {}): Promise<string> {
    const { result, log } = await this.finish(this.order({ run: { command }, allow_empty: true }), overrides);
    const { report } = unwrap(result);
    if (report.agent === null) throw new Error(`the probe did not run: ${JSON.stringify(report)}\n${log}`);
    return report.agent.output;
  }

  /** The real engine with some of its calls replaced. */
  altered(changes: Partial<ContainerEngine>): ContainerEngine {
    return new Proxy(this.engine, {
      get(target, name: string) {
        const own: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
        return typeof own === 'function' && !Object.hasOwn(changes, name) ? own.bind(target) : own;
      },
    });
  }

  async git(...args: readonly string[]): Promise<string> {
    return (await run('git', args, { cwd: this.folder })).stdout.trim();
  }

  async close(): Promise<void> {
    unwrap(await this.runner().sweep(() => false));
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function makeMirror(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  const source = join(folder, 'source');
  await mkdir(source);
  for (const [name, content] of Object.entries(files)) await writeFile(join(source, name), content);
  const git = (...args: readonly string[]) =>
    run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], { cwd: source });
  await git('init', '--quiet', '--initial-branch=main', '.');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'base');
  await git('clone', '--quiet', '--mirror', source, join(folder, 'mirror.git'));
  return (await git('rev-parse', 'HEAD')).stdout.trim();
}
