import type { Result } from '@agentcompany/protocol';
import type { ContainerEngine } from './container-engine.ts';

/** The same engine, telling of each call that changes what exists outside: a crash test ends the process right after it (S65). */
export function steppingEngine(engine: ContainerEngine, onStep: (step: string) => void): ContainerEngine {
  const after = async <Value>(step: string, call: Promise<Result<Value>>): Promise<Result<Value>> => {
    const result = await call;
    if (result.ok) onStep(step);
    return result;
  };
  return {
    create: (container) => after('container:created', engine.create(container)),
    start: (id) => after('container:started', engine.start(id)),
    remove: (id) => after('container:removed', engine.remove(id)),
    attach: (id) => engine.attach(id),
    wait: (id, signal) => engine.wait(id, signal),
    inspect: (id) => engine.inspect(id),
    kill: (id) => engine.kill(id),
    list: (instance) => engine.list(instance),
    imageInspect: (reference) => engine.imageInspect(reference),
    imageImport: (archive, options) => engine.imageImport(archive, options),
    imageBuild: (context, options) => engine.imageBuild(context, options),
    imageList: (repositories) => engine.imageList(repositories),
    imageRemove: (reference) => engine.imageRemove(reference),
    volumeCreate: (volume) => after('volume:created', engine.volumeCreate(volume)),
    volumeRemove: (name) => after('volume:removed', engine.volumeRemove(name)),
    info: () => engine.info(),
    version: () => engine.version(),
    ping: () => engine.ping(),
  };
}
