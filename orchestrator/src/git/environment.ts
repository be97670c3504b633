/** Protocols a call may use; a call that names none cannot reach any remote. */
export type GitProtocol = 'https' | 'http' | 'ssh' | 'file';

export interface GitEnvironmentOptions {
  /** Absolute repository folder. */
  readonly gitDir: string;
  readonly protocols?: readonly GitProtocol[];
  /** Further configuration, after the fixed one. */
  readonly configuration?: readonly (readonly [name: string, value: string])[];
  /** Absolute file read as the global configuration: the only one a local upload-pack or receive-pack child sees. */
  readonly globalConfiguration?: string;
  /** Further variables, such as author and committer. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Never asks, never forwards, never runs a local command; hosts must be known. */
const sshCommand =
  'ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oForwardAgent=no -oClearAllForwardings=yes -oPermitLocalCommand=no -oConnectTimeout=20 -F /dev/null';

/** What holds for every call. `transfer.fsckObjects` covers networks only: bundles are checked by `index-pack --strict`. */
const fixedConfiguration: readonly (readonly [string, string])[] = [
  ['safe.bareRepository', 'explicit'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.symlinks', 'false'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['core.untrackedCache', 'false'],
  ['core.bigFileThreshold', '1m'],
  ['core.fsync', 'all'],
  ['core.filesRefLockTimeout', '2000'],
  ['init.templateDir', ''],
  ['transfer.fsckObjects', 'true'],
  ['fetch.fsckObjects', 'true'],
  ['receive.fsckObjects', 'true'],
  ['fetch.unpackLimit', '1'],
  ['transfer.credentialsInUrl', 'die'],
  ['transfer.bundleURI', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['protocol.allow', 'never'],
  ['http.followRedirects', 'false'],
  ['credential.helper', ''],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  // No graft is read: the file that is named for them is empty.
  ['advice.graftFileDeprecated', 'false'],
  ['commit.gpgSign', 'false'],
  ['tag.gpgSign', 'false'],
  ['push.gpgSign', 'false'],
  ['log.showSignature', 'false'],
];

/**
 * The whole environment of a git call, built from nothing: nothing of this process's own environment reaches git.
 * Source of the settings: docs/security.md, "git on the host".
 */
export function gitEnvironment(options: GitEnvironmentOptions): Record<string, string> {
  const protocols = options.protocols ?? [];
  const configuration = [
    ...fixedConfiguration,
    ...protocols.map((protocol) => [`protocol.${protocol}.allow`, 'always'] as const),
    ...(options.configuration ?? []),
  ];
  const environment: Record<string, string> = {
    PATH: '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: options.globalConfiguration ?? '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_DIR: options.gitDir,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_PAGER: 'cat',
    GIT_EDITOR: '/bin/false',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_SSH_COMMAND: sshCommand,
    ...options.variables,
    GIT_CONFIG_COUNT: String(configuration.length),
  };
  configuration.forEach(([name, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = name;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return environment;
}
