import { readFile } from 'node:fs/promises';
import path from 'node:path';

interface Module {
  /** Names by the module they are imported from. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** Parts the imports at a file's top from what follows them; the scripts use the form `import { a, b } from 'x';` only. */
function parseModule(text: string): Module {
  const imports = new Map<string, readonly string[]>();
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !/^(\/\/|import \{)/.test(line));
  for (const line of lines.slice(0, end)) {
    const [, names, from] = /^import \{ ([^}]*) \} from '([^']+)';$/.exec(line) ?? [];
    if (names !== undefined && from !== undefined) imports.set(from, names.split(', '));
  }
  return { imports, body: lines.slice(end).join('\n') };
}

const isNeighbour = (from: string): boolean => from.startsWith('.');

/**
 * One of the demo's scripts as a single text that a worker can be given: what it imports from its neighbours stands in it,
 * and `args` are what it finds as its arguments. Throws what the file system throws: the scripts are part of the product.
 */
export async function inlineScript(file: string, args: readonly string[] = []): Promise<string> {
  const script = parseModule(await readFile(file, 'utf8'));
  const neighbours = [...script.imports.keys()]
    .filter(isNeighbour)
    .map((from) => path.resolve(path.dirname(file), from));
  const modules = [
    ...(await Promise.all(neighbours.map(async (neighbour) => parseModule(await readFile(neighbour, 'utf8'))))),
    script,
  ];
  const imported = Map.groupBy(
    modules.flatMap(({ imports }) => [...imports].filter(([from]) => !isNeighbour(from))),
    ([from]) => from,
  );
  const head = [...imported].map(
    ([from, uses]) => `import { ${[...new Set(uses.flatMap(([, names]) => names))].join(', ')} } from '${from}';`,
  );
  const given = args.length === 0 ? [] : [`process.argv.push(...${JSON.stringify(args)});`];
  return [...head, ...given, ...modules.map(({ body }) => body.replaceAll(/^export /gm, ''))].join('\n');
}
