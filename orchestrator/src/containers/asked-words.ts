import type { CreateBody, EngineFeatures } from './create-body.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Podman's inspect answer in the words of Docker's, so that one strict comparison serves both. A word is replaced only where
 * Podman's means the same, or where it says the same of every container and the worker's own report shows the truth
 * (`provenInside` in confinement.ts). Whatever else differs stays and is found. Words: podman 4.3 to 5, compat API.
 */
function podmanInDockerWords(body: CreateBody, raw: Fields): Fields {
  const config = fields(raw['Config']);
  const host = fields(raw['HostConfig']);
  const asked = body.HostConfig;
  return {
    ...raw,
    Config: {
      ...config,
      // Not kept by Podman: how a container may be attached is settled by who attaches.
      ...unsaid(config, body, ['StdinOnce', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'NetworkDisabled']),
    },
    HostConfig: {
      ...host,
      // Shown as the mounts they are; those are compared in `Mounts`.
      ...unsaid(host, asked, ['Mounts']),
      Binds: list(host['Binds']).filter((bind) => !isAskedMount(body, bind)),
      Tmpfs: Object.fromEntries(
        Object.entries(fields(host['Tmpfs'])).map(([target, options]) => [target, tmpfsWords(body, target, options)]),
      ),
      SecurityOpt: list(host['SecurityOpt']).map((option) =>
        option === 'no-new-privileges' ? 'no-new-privileges:true' : option,
      ),
      // All that Podman gives by default are named one by one. The worker's report must show none.
      CapDrop: list(host['CapDrop']).length > 0 ? asked.CapDrop : host['CapDrop'],
      PidMode: host['PidMode'] === 'private' ? '' : host['PidMode'],
      UTSMode: host['UTSMode'] === 'private' ? '' : host['UTSMode'],
      // "shareable" is said of a container without /dev/shm too.
      IpcMode: host['IpcMode'] === 'shareable' ? asked.IpcMode : host['IpcMode'],
      // Which one that is, is known of the engine (`ociRuntimes`).
      Runtime: host['Runtime'] === 'oci' ? asked.Runtime : host['Runtime'],
      // Never shown.
      ...unsaid(host, asked, ['Ulimits']),
      ...(isNothing(host['MaskedPaths']) && { MaskedPaths: shownInside }),
      ...(isNothing(host['ReadonlyPaths']) && { ReadonlyPaths: shownInside }),
    },
  };
}

/**
 * An inspect answer in the words in which it was asked: see `podmanInDockerWords`. An engine that cannot hold containers to limits
 * shows none; whether that is accepted was settled before (`AC_ENGINE_NO_LIMITS`).
 */
export function inAskedWords(body: CreateBody, answer: Fields, { enforcesLimits, podman }: EngineFeatures): Fields {
  const raw = podman === null ? answer : podmanInDockerWords(body, answer);
  if (enforcesLimits) return raw;
  const host = fields(raw['HostConfig']);
  const limits = unsaid(host, body.HostConfig, ['Memory', 'MemorySwap', 'PidsLimit', 'NanoCpus']);
  return { ...raw, HostConfig: { ...host, ...limits } };
}

/** In the place of a list of paths that the worker's own report shows. */
export const shownInside = Symbol('shown inside');

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return true;
  return Array.isArray(value) && value.length === 0;
}

/** What was asked, for those of the fields of which Podman says nothing. */
function unsaid(found: Fields, asked: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => isNothing(found[name])).map((name) => [name, asked[name]]));
}

/** Whether `source:target:options` is one of the mounts that were asked, as writable as that; only a volume may be. */
function isAskedMount(body: CreateBody, bind: unknown): boolean {
  return body.HostConfig.Mounts.some(({ Source: source, Target: target, ReadOnly: readOnly }) => {
    const head = `${source}:${target}:`;
    if (typeof bind !== 'string' || !bind.startsWith(head)) return false;
    return bind
      .slice(head.length)
      .split(',')
      .includes(readOnly ? 'ro' : 'rw');
  });
}

/** The options in the asked order where they are the same, but for what Podman adds or takes out; otherwise as they are. */
function tmpfsWords(body: CreateBody, target: string, options: unknown): unknown {
  const asked: unknown = fields(body.HostConfig.Tmpfs)[target];
  if (typeof asked !== 'string' || typeof options !== 'string') return options;
  const words = (text: string): string =>
    text
      .split(',')
      .filter((word) => word !== 'rprivate' && word !== 'notmpcopyup')
      .toSorted()
      .join();
  return words(asked) === words(options) ? asked : options;
}
