import { Readable } from 'node:stream';
import dockerignore from '@balena/dockerignore';
import { failure, success, type Result } from '@agentcompany/protocol';
import { pack } from 'tar-stream';
import { devcontainerErrors } from './errors.ts';

/** A file of the repository, as a build gets it. Symbolic links stay links: the engine follows them inside the context only. */
export interface ContextFile {
  /** Relative to the context. */
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
  /** Name of its content. */
  readonly oid: string;
  readonly bytes: number;
}

// Its types describe an ES module, which it is not: the function is the module itself.
const ignoring = dockerignore as unknown as typeof dockerignore.default;

const modes = { '100644': 0o644, '100755': 0o755, '120000': 0o777 } as const;

const most = { characters: 16_384, patterns: 200, wildcards: 8 };

/**
 * What a `.dockerignore` leaves of the files. Its patterns become regular expressions: those that could take long to match are refused.
 * Error: `AC_DEVCONTAINER_REFUSED`.
 */
export function withoutIgnored<File extends Pick<ContextFile, 'path'>>(
  file: string,
  text: string,
  files: readonly File[],
): Result<readonly File[]> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const wild = lines.findIndex((line) => (line.match(/[*?[]/g)?.length ?? 0) > most.wildcards);
  if (text.length > most.characters || lines.length > most.patterns || wild !== -1) {
    const rule = `at most ${most.patterns} patterns with ${most.wildcards} wildcards each are matched`;
    return failure(devcontainerErrors.AC_DEVCONTAINER_REFUSED({ file, line: wild + 1, rule }));
  }
  const isKept = ignoring({ ignorecase: false }).add(lines).createFilter();
  return success(files.filter(({ path }) => isKept(path)));
}

/** The context as a tar archive: `dockerfile` under that name, in the place of any of the repository's, and the files. Nothing is written to disk. */
export function packContext(
  dockerfile: string,
  files: readonly ContextFile[],
  contents: ReadonlyMap<string, Buffer>,
): Readable {
  const archive = pack();
  archive.entry({ name: 'Dockerfile', mode: 0o644 }, dockerfile);
  for (const { path, mode, oid } of files) {
    const content = contents.get(oid) ?? Buffer.alloc(0);
    if (path === 'Dockerfile' || path === '.dockerignore') continue;
    if (mode === '120000')
      archive.entry({ name: path, mode: modes[mode], type: 'symlink', linkname: content.toString('utf8') });
    else archive.entry({ name: path, mode: modes[mode] }, content);
  }
  archive.finalize();
  return Readable.from(archive);
}
