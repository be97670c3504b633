import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { unwrap, type Result } from '@agentcompany/protocol';
import type { Attachment, ContainerEngine } from '../../container-engine.ts';
import type { WorkerContainer } from '../../worker-container.ts';
import { testLimits, WorkerFixture } from '../worker-fixture.ts';
import { makeRuntime } from '../worker-runtime.ts';

/** A real engine for the contract to run on. */
export interface EngineUnderTest {
  readonly engine: ContainerEngine;
  /** Reference of the worker image, as this engine knows it. */
  readonly image: string;
  /** Whether it can hold workers to their limits on this machine. */
  readonly enforcesLimits: boolean;
  /** The same kind of engine behind another socket file, which need not exist. */
  at(socket: string): ContainerEngine;
  /** Removes an image that a test made; the port cannot. */
  removeImage(reference: string): Promise<void>;
}

export interface EngineContractOptions {
  /** Registers a test of the runner. */
  readonly it: (name: string, test: () => Promise<void>) => void;
  /** The engine; asked once for each test, started by whoever calls the contract. */
  readonly engine: () => EngineUnderTest;
}

/** What a test of the contract works with: one engine, one company instance of its own, all removed afterwards. */
export class EngineTrial {
  readonly under: EngineUnderTest;
  readonly fixture: WorkerFixture;

  constructor(under: EngineUnderTest, fixture: WorkerFixture) {
    this.under = under;
    this.fixture = fixture;
  }

  get engine(): ContainerEngine {
    return this.under.engine;
  }

  /** A worker container of this trial; its runtime is the real one unless `runtimeFolder` says otherwise. */
  async container(overrides: Partial<WorkerContainer> = {}): Promise<WorkerContainer> {
    const { instance, mirror, runtime } = this.fixture;
    const { id: imageId } = unwrap(await this.engine.imageInspect(this.fixture.image));
    const owner = { instance, run: 'run', task: 'task', attempt: 'attempt', epoch: 1 };
    const folders = { mirrorFolder: mirror, runtimeFolder: runtime, caches: [], workspaceVolume: null };
    return { owner, imageId, ...folders, limits: testLimits, ...overrides };
  }

  async create(overrides: Partial<WorkerContainer> = {}): Promise<string> {
    return unwrap(await this.engine.create(await this.container(overrides))).id;
  }

  /** A container whose runtime is this shell script. */
  async createScript(script: string): Promise<string> {
    return this.create({ runtimeFolder: await makeRuntime(this.fixture.folder, `#!/bin/sh\n${script}\n`) });
  }

  /** The same, attached and started. */
  async startScript(script: string): Promise<{ readonly id: string; readonly attachment: Attachment }> {
    return this.startAttached(await this.createScript(script));
  }

  async startAttached(id: string): Promise<{ readonly id: string; readonly attachment: Attachment }> {
    const attachment = unwrap(await this.engine.attach(id));
    // The other end may go at any time; a test looks at what it read.
    attachment.door.on('error', () => undefined);
    unwrap(await this.engine.start(id));
    return { id, attachment };
  }
}

export type Contract = (name: string, test: (trial: EngineTrial) => Promise<void>) => void;

export function contractOf(options: EngineContractOptions): Contract {
  return (name, test) =>
    options.it(name, async () => {
      const under = options.engine();
      const fixture = await WorkerFixture.open(undefined, under);
      try {
        await test(new EngineTrial(under, fixture));
      } finally {
        await fixture.close();
      }
    });
}

export function assertRefused(result: Result<unknown>, code: string): void {
  assert.ok(!result.ok, `refused as ${code} is expected, but it went well`);
  assert.equal(result.error.code, code, JSON.stringify(result.error));
}

/** Reads until `text` has come; rejects at the end of the stream. */
export async function readUntil(stream: Readable, text: string): Promise<string> {
  let read = '';
  for (;;) {
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) read += chunk.toString('latin1');
    else if (stream.readableEnded || stream.destroyed) throw new Error(`'${text}' did not come, but: ${read}`);
    else await Promise.race([once(stream, 'readable'), once(stream, 'end'), once(stream, 'close')]);
    if (read.includes(text)) return read;
  }
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
