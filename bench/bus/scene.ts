import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { openBus, type AgentBus, type BusAdapter, type OpenBusOptions } from '@agentcompany/agent-bus';
import { unwrap } from '@agentcompany/protocol';
import { checkout } from '../worker-image.ts';
import { startRedis, type RedisServer } from './redis-server.ts';

/** Where a measurement takes place: a new folder on the disk of the checkout, the same for all sides, and what was opened there. */
export interface Scene {
  readonly folder: string;
  /** A new folder in it. */
  subfolder(name: string): Promise<string>;
  /** The one server of this measurement, started when it is first asked for. */
  redis(): Promise<RedisServer>;
  /** The options of a store of its own by this name. */
  storeOptions(adapter: BusAdapter, name: string): Promise<OpenBusOptions>;
  /** Opens it; it is closed with the scene. */
  open(adapter: BusAdapter, name: string): Promise<AgentBus>;
  /** What else is to be closed, the last one first. */
  onClose(close: () => Promise<void>): void;
  close(): Promise<void>;
}

/** Sets up the scene. The temporary folder of the system may lie in memory, where a sync costs nothing: hence the checkout's disk. */
export async function openScene(): Promise<Scene> {
  const cache = join(checkout, '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const closers: (() => Promise<void>)[] = [];
  let server: Promise<RedisServer> | null = null;
  const scene: Scene = {
    folder,
    subfolder: async (name) => {
      await mkdir(join(folder, name));
      return join(folder, name);
    },
    redis: () => {
      server ??= startRedis(folder).then((started) => {
        closers.unshift(started.close);
        return started;
      });
      return server;
    },
    storeOptions: async (adapter, name) =>
      adapter === 'redis'
        ? { adapter, url: `${(await scene.redis()).url}?namespace=${name}` }
        : { adapter, folder: join(folder, `${adapter}-${name}`) },
    open: async (adapter, name) => {
      const bus = unwrap(await openBus(await scene.storeOptions(adapter, name)));
      closers.push(() => bus.close());
      return bus;
    },
    onClose: (close) => void closers.push(close),
    close: async () => {
      for (const close of closers.toReversed()) await close();
      process.removeListener('exit', remove);
      remove();
    },
  };
  return scene;
}
