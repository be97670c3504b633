import type { CreateBody, EngineFeatures } from './create-body.ts';
import { forbiddenVariable } from './image-policy.ts';
import { inAskedWords, shownInside } from './asked-words.ts';
import { labelPrefix } from './worker-labels.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Settings of the engine that we never ask for and that would loosen the container: they must be empty. */
const mustBeEmpty = [
  'PortBindings',
  'PublishAllPorts',
  'DeviceCgroupRules',
  'Sysctls',
  'VolumeDriver',
  'Cgroup',
  'CgroupParent',
  'StorageOpt',
];
/** Paths of /proc and /sys that an engine hides or write-protects in every container that is not loosened. */
const mustBeMasked = ['/proc/kcore', '/proc/keys', '/sys/firmware'];
const mustBeReadonly = ['/proc/sys', '/proc/sysrq-trigger'];

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Null, false, zero, "" and empty lists and objects are one: engines write any of them for "not set". */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function isSame(asked: unknown, found: unknown): boolean {
  if (isEmpty(asked)) return isEmpty(found);
  if (Array.isArray(asked)) {
    if (!Array.isArray(found) || found.length !== asked.length) return false;
    return asked.every((item) => found.some((other) => isSame(item, other)));
  }
  if (typeof asked === 'object')
    return Object.entries(fields(asked)).every(([name, value]) => isSame(value, fields(found)[name]));
  return asked === found;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 120);
}

function* differingFields(path: string, asked: Fields, found: Fields): Generator<string> {
  for (const [name, value] of Object.entries(asked)) {
    if (!isSame(value, found[name])) yield `${path}.${name} is ${show(found[name])}, not ${show(value)}`;
  }
}

function* environmentDifferences(asked: readonly string[], found: readonly unknown[]): Generator<string> {
  const names = new Set(asked.map((entry) => entry.split('=', 1)[0]));
  for (const entry of asked) if (!found.includes(entry)) yield `Config.Env lacks ${entry}`;
  for (const entry of found) {
    const name = String(entry).split('=', 1)[0] ?? '';
    const unexpected = names.has(name) ? !asked.includes(String(entry)) : forbiddenVariable.test(name);
    if (unexpected) yield `Config.Env has ${String(entry).slice(0, 120)}`;
  }
}

function* labelDifferences(asked: Readonly<Record<string, string>>, found: Fields): Generator<string> {
  const names = new Set([...Object.keys(asked), ...Object.keys(found).filter((name) => name.startsWith(labelPrefix))]);
  for (const name of names) if (found[name] !== asked[name]) yield `Config.Labels.${name} is ${show(found[name])}`;
}

type Mount = CreateBody['HostConfig']['Mounts'][number];

function isMountAsAsked(asked: Mount | undefined, found: Fields): boolean {
  if (asked?.Type === 'volume')
    return found['Type'] === 'volume' && found['Name'] === asked.Source && found['RW'] === !asked.ReadOnly;
  return asked !== undefined && found['Source'] === asked.Source && found['RW'] === false;
}

function* mountDifferences(body: CreateBody, found: readonly unknown[]): Generator<string> {
  const allowed = new Map<string, Mount>(body.HostConfig.Mounts.map((mount) => [mount.Target, mount]));
  for (const mount of found.map(fields)) {
    const target = String(mount['Destination']);
    if (mount['Type'] === 'tmpfs' && Object.hasOwn(body.HostConfig.Tmpfs, target)) continue;
    if (!isMountAsAsked(allowed.get(target), mount)) yield `Mounts has ${show(mount)}`;
    allowed.delete(target);
  }
  for (const target of allowed.keys()) yield `Mounts lacks ${target}`;
}

function* protectionDifferences(body: CreateBody, raw: Fields): Generator<string> {
  const host = fields(raw['HostConfig']);
  for (const name of mustBeEmpty) if (!isEmpty(host[name])) yield `HostConfig.${name} is ${show(host[name])}`;
  for (const path of mustBeMasked)
    if (host['MaskedPaths'] !== shownInside && !list(host['MaskedPaths']).includes(path))
      yield `HostConfig.MaskedPaths lacks ${path}`;
  for (const path of mustBeReadonly)
    if (host['ReadonlyPaths'] !== shownInside && !list(host['ReadonlyPaths']).includes(path))
      yield `HostConfig.ReadonlyPaths lacks ${path}`;
  for (const target of Object.keys(fields(host['Tmpfs'])))
    if (!Object.hasOwn(body.HostConfig.Tmpfs, target)) yield `HostConfig.Tmpfs has ${target}`;
  const wantsAppArmor = body.HostConfig.SecurityOpt.includes('apparmor=docker-default');
  if (wantsAppArmor && raw['AppArmorProfile'] !== 'docker-default')
    yield `AppArmorProfile is ${show(raw['AppArmorProfile'])}`;
}

/** Differences between the settings of a container that were asked and those that inspect shows, in words; empty means equal. */
export function settingDifferences(
  body: Readonly<{ Image: string; Env: readonly string[]; HostConfig: object; Labels: object }>,
  raw: Fields,
): readonly string[] {
  const { HostConfig: host, Image: image, Env: environment, Labels: _labels, ...config } = body;
  const found = fields(raw['Config']);
  return [
    ...(raw['Image'] === image ? [] : [`Image is ${show(raw['Image'])}, not ${image}`]),
    ...differingFields('Config', config, found),
    ...differingFields('HostConfig', fields(host), fields(raw['HostConfig'])),
    ...environmentDifferences(environment, list(found['Env'])),
  ];
}

/**
 * Compares what the engine says it made (`answer`, its inspect answer) with what was asked, every field of it, and with what
 * must never be set. Returns the differences in words; empty means equal (C16, S1).
 */
export function compareInspect(body: CreateBody, answer: Fields, features: EngineFeatures): readonly string[] {
  const raw = inAskedWords(body, answer, features);
  return [
    ...settingDifferences(body, raw),
    ...labelDifferences(body.Labels, fields(fields(raw['Config'])['Labels'])),
    ...mountDifferences(body, list(raw['Mounts'])),
    ...protectionDifferences(body, raw),
  ];
}
