import picomatch from 'picomatch';
import { foldPath } from './file-name-policy.ts';
import type { RawChange } from './raw-diff.ts';

/** Paths whose change gives power beyond the change itself (S35): CI, hooks, editors and agents obey them. Lower case, for names are folded first. */
const patterns = [
  '.github/**',
  '.gitlab-ci.yml',
  '.gitlab/**',
  '.gitea/**',
  '.forgejo/**',
  '.circleci/**',
  '.buildkite/**',
  '.drone.yml',
  '.woodpecker.yml',
  '.woodpecker/**',
  '.travis.yml',
  'azure-pipelines.yml',
  'bitbucket-pipelines.yml',
  '**/jenkinsfile',
  '**/jenkinsfile.*',
  '**/action.yml',
  '**/action.yaml',
  '**/codeowners',
  '**/.gitattributes',
  '**/.gitmodules',
  '**/.gitconfig',
  '**/.lfsconfig',
  '**/.husky/**',
  '**/.githooks/**',
  '**/lefthook.yml',
  '**/.pre-commit-config.yaml',
  '**/.devcontainer/**',
  '**/.devcontainer.json',
  '**/.vscode/**',
  '**/.idea/**',
  '**/.claude/**',
  '**/.cursor/**',
  '**/.cursorrules',
  '**/.mcp.json',
  '**/agents.md',
  '**/claude.md',
  '**/gemini.md',
  '**/.envrc',
  '**/.npmrc',
  '**/.yarnrc',
  '**/.yarnrc.yml',
  '**/.pnpmfile.cjs',
  '**/package-lock.json',
  '**/npm-shrinkwrap.json',
  '**/yarn.lock',
  '**/pnpm-lock.yaml',
  '**/bun.lock',
  '**/bun.lockb',
  '**/cargo.lock',
  '**/poetry.lock',
  '**/pdm.lock',
  '**/uv.lock',
  '**/pipfile.lock',
  '**/gemfile.lock',
  '**/composer.lock',
  '**/go.sum',
  '**/deno.lock',
  '**/flake.lock',
];
const isReserved = picomatch(patterns, { dot: true });

/** True where a change of this path waits for a person whatever its content. */
function isProtectedPath(path: string): boolean {
  return isReserved(foldPath(path));
}

/** True for a file that becomes executable, and for every link that is new or changed. */
function gainsPower(change: RawChange): boolean {
  if (change.new_mode === '120000') return true;
  return change.new_mode === '100755' && change.old_mode !== '100755';
}

/** True for a manifest whose scripts must be compared before it is known whether a person must look. */
export function isPackageManifest(path: string): boolean {
  return foldPath(path).split('/').at(-1) === 'package.json';
}

/** The changed paths that policy reserves for a person, in the order of the changes. `contents` holds the manifests' blobs. */
export function protectedPaths(changes: readonly RawChange[], contents: ReadonlyMap<string, Buffer>): string[] {
  return changes
    .filter(
      (change) =>
        isProtectedPath(change.path) ||
        gainsPower(change) ||
        (isPackageManifest(change.path) && scripts(change.oldOid, contents) !== scripts(change.newOid, contents)),
    )
    .map((change) => change.path);
}

/** The scripts of a manifest as comparable text; what cannot be read equals nothing but the same blob. */
function scripts(oid: string, contents: ReadonlyMap<string, Buffer>): string {
  if (/^0+$/u.test(oid)) return 'none';
  const content = contents.get(oid);
  if (content === undefined) return oid;
  try {
    const manifest: unknown = JSON.parse(content.toString('utf8'));
    if (typeof manifest !== 'object' || manifest === null || !('scripts' in manifest)) return 'none';
    return JSON.stringify(manifest.scripts);
  } catch {
    return oid;
  }
}
