import { createHash } from 'node:crypto';
import { storedZip } from './stored-zip.ts';

/** A module of Go as a proxy serves it. */
export interface PublishedModule {
  readonly path: string;
  /** Content by path below the proxy's address (go help goproxy). */
  readonly served: Readonly<Record<string, string | Buffer>>;
  /** Of the zip, as it is asked for. */
  readonly zipPath: string;
  /** A project that needs it, with its sums. */
  readonly project: Readonly<Record<string, string>>;
}

/** Makes a module of one package. `path` is in lower case. */
export function publishedModule(path: string): PublishedModule {
  const version = 'v1.0.0';
  const goMod = `module ${path}\n\ngo 1.19\n`;
  const root = `${path}@${version}`;
  const files = { [`${root}/go.mod`]: goMod, [`${root}/words.go`]: `package words\n\nconst Words = "of ${path}"\n` };
  const at = `/${path}/@v`;
  return {
    path,
    zipPath: `${at}/${version}.zip`,
    served: {
      [`${at}/list`]: `${version}\n`,
      [`${at}/${version}.info`]: JSON.stringify({ Version: version, Time: '2026-01-01T00:00:00Z' }),
      [`${at}/${version}.mod`]: goMod,
      [`${at}/${version}.zip`]: storedZip(files),
    },
    project: {
      'go.mod': `module example.com/project\n\ngo 1.19\n\nrequire ${path} ${version}\n`,
      'go.sum': `${path} ${version} ${sumOf(files)}\n${path} ${version}/go.mod ${sumOf({ 'go.mod': goMod })}\n`,
      'project.go': `package project\n\nimport _ "${path}"\n`,
    },
  };
}

/** The sum `h1` of golang.org/x/mod/sumdb/dirhash. */
function sumOf(files: Readonly<Record<string, string>>): string {
  const sha256 = (text: string) => createHash('sha256').update(text);
  const lines = Object.keys(files)
    .toSorted()
    .map((path) => `${sha256(files[path] ?? '').digest('hex')}  ${path}\n`);
  return `h1:${sha256(lines.join('')).digest('base64')}`;
}
