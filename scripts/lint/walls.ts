/**
 * The walls between the folders: who may import whom (docs/architecture.md has the picture).
 * The first zone whose pattern matches a file is the file's zone; a product file without a zone is an error,
 * so a new folder has to be given its walls here.
 */
interface Zone {
  readonly name: string;
  /** Paths relative to the repository root, with forward slashes. */
  readonly files: RegExp;
  /** Names of the zones it may import besides itself; `all` for a place where the parts are put together. */
  readonly zones: readonly string[] | 'all';
  /** Packages it may import. */
  readonly packages: readonly string[];
  /** Packages it may only name in `import type` or load with `import()`, so that starting stays cheap. */
  readonly lazyPackages?: readonly string[];
  /** Modules of Node it may import, without the `node:` prefix. */
  readonly builtins: readonly string[] | 'all';
}

const protocol = '@agentcompany/protocol';
const bus = '@agentcompany/agent-bus';
const orchestrator = '@agentcompany/orchestrator';

const busZones: readonly Zone[] = [
  { name: 'protocol', files: /^agent-bus\/protocol\/src\//, zones: [], packages: ['zod'], builtins: [] },
  // The file bus takes its lock from SQLite: the kernel frees it at death.
  busAdapter('file', ['better-sqlite3']),
  busAdapter('sqlite', ['better-sqlite3']),
  busAdapter('redis', ['ioredis']),
  {
    name: 'bus entry',
    files: /^agent-bus\/src\/(index|open-bus|store-end)\.ts$/,
    zones: 'all',
    packages: [protocol],
    builtins: 'all',
  },
  {
    name: 'bus testing',
    files: /^agent-bus\/src\/testing\//,
    zones: ['bus core', 'bus entry'],
    packages: [protocol, 'fast-check'],
    builtins: 'all',
  },
  { name: 'bus core', files: /^agent-bus\/src\/[^/]+\.ts$/, zones: [], packages: [protocol], builtins: 'all' },
];

const orchestratorZones: readonly Zone[] = [
  {
    name: 'ports',
    files:
      /^orchestrator\/src\/(containers\/(container-engine|worker-container|worker-runner)|git\/(repositories|url-policy|errors)|forges\/forge|door\/attempt-services)\.ts$/,
    zones: ['models'],
    packages: [protocol],
    builtins: ['fs/promises', 'stream'],
  },
  // The Anthropic, OpenAI … SDKs: each belongs to one adapter, which only `open-models.ts` loads, with `import()`.
  modelAdapter('anthropic', ['@anthropic-ai/sdk']),
  modelAdapter('openai', ['openai']),
  modelAdapter('gemini', ['@google/genai']),
  modelAdapter('ollama', ['ollama']),
  modelAdapter('scripted', ['zod']),
  modelAdapter('recorded', []),
  modelAdapter('prices', ['@pydantic/genai-prices']),
  {
    name: 'models',
    files: /^orchestrator\/src\/models\/[^/]+\.ts$/,
    zones: [],
    packages: [protocol, 'canonicalize'],
    builtins: ['crypto', 'timers/promises'],
  },
  // What texts hold, and what they may say where others read them: pure.
  { name: 'text', files: /^orchestrator\/src\/text\//, zones: [], packages: [protocol], builtins: [] },
  {
    name: 'company',
    files: /^orchestrator\/src\/company\//,
    zones: ['text'],
    packages: [protocol],
    lazyPackages: ['zod'],
    builtins: [],
  },
  {
    name: 'agents',
    files: /^orchestrator\/src\/agents\//,
    zones: ['company', 'ports', 'models', 'text'],
    packages: [protocol, 'canonicalize', 'picomatch', 'zod'],
    builtins: ['crypto', 'path', 'util'],
  },
  {
    name: 'engine',
    files: /^orchestrator\/src\/engine\//,
    zones: ['company', 'agents', 'ports', 'models', 'door', 'home', 'text', 'uploads'],
    packages: [protocol, bus, 'better-sqlite3', 'canonicalize', 'zod'],
    builtins: 'all',
  },
  { name: 'uploads', files: /^orchestrator\/src\/uploads\//, zones: [], packages: [], builtins: 'all' },
  {
    name: 'door',
    files: /^orchestrator\/src\/door\//,
    zones: ['ports', 'uploads', 'models'],
    packages: [protocol, bus, 'zod'],
    builtins: 'all',
  },
  // The way out of workers: what writes certificates is loaded with the first that needs one.
  {
    name: 'egress',
    files: /^orchestrator\/src\/egress\//,
    zones: ['ports', 'text'],
    packages: [protocol, 'ipaddr.js'],
    lazyPackages: ['@peculiar/x509', 'reflect-metadata'],
    builtins: [
      'crypto',
      'dns/promises',
      'events',
      'http',
      'https',
      'net',
      'stream',
      'stream/promises',
      'timers/promises',
      'tls',
      'util',
    ],
  },
  { name: 'suggestion', files: /^orchestrator\/src\/suggestion\.ts$/, zones: [], packages: [], builtins: [] },
  {
    name: 'documents',
    files: /^orchestrator\/src\/documents\//,
    zones: [],
    packages: ['yaml'],
    builtins: [],
  },
  {
    name: 'desk',
    files: /^orchestrator\/src\/desk\//,
    zones: ['company', 'engine', 'ports', 'models', 'door'],
    packages: [protocol, bus, 'zod'],
    builtins: 'all',
  },
  // What loads the library is itself loaded with the first server.
  {
    name: 'mcp',
    files: /^orchestrator\/src\/mcp\//,
    zones: ['models'],
    packages: [protocol, '@modelcontextprotocol/sdk'],
    builtins: ['child_process', 'stream'],
  },
  {
    name: 'plans',
    files: /^orchestrator\/src\/plans\//,
    zones: ['company', 'documents', 'suggestion'],
    packages: [protocol, 'zod'],
    builtins: 'all',
  },
  {
    name: 'definitions',
    files: /^orchestrator\/src\/definitions\//,
    zones: ['documents'],
    packages: [protocol, 'zod'],
    builtins: 'all',
  },
  // The sealed worker runner joins a container and the door that it serves to it.
  portAdapter(
    'containers',
    /^orchestrator\/src\/containers\//,
    ['dockerode', 'jsonc-parser', '@balena/dockerignore', 'tar-stream'],
    ['door'],
  ),
  portAdapter('git', /^orchestrator\/src\/git\//, ['simple-git', 'picomatch'], ['text']),
  // The local forge is a git repository, and every git call goes through the one runner in git/.
  portAdapter('forge local', /^orchestrator\/src\/forges\/local/, [], ['git', 'forges', 'text']),
  portAdapter('forges', /^orchestrator\/src\/forges\/[^/]+\.ts$/, [], []),
  { name: 'contract', files: /^orchestrator\/src\/contract\//, zones: [], packages: [protocol, 'zod'], builtins: [] },
  {
    name: 'api',
    files: /^orchestrator\/src\/api\//,
    zones: ['contract', 'models', 'ports', 'uploads'],
    packages: [protocol, 'fastify'],
    builtins: 'all',
  },
  {
    name: 'hosts',
    files: /^orchestrator\/src\/hosts\//,
    zones: ['contract', 'engine', 'git'],
    packages: [protocol, bus],
    builtins: 'all',
  },
  {
    name: 'open-company',
    files: /^orchestrator\/src\/(facade\/.+|open-[a-z-]+|index|main)\.ts$/,
    zones: 'all',
    packages: [protocol, bus, 'better-sqlite3', 'canonicalize', 'yaml', 'zod'],
    builtins: 'all',
  },
  {
    name: 'home',
    files: /^orchestrator\/src\/company-home\.ts$/,
    zones: ['facade'],
    packages: [protocol],
    builtins: 'all',
  },
  {
    name: 'facade',
    files: /^orchestrator\/src\/[^/]+\.ts$/,
    zones: ['company', 'contract', 'egress', 'home', 'hosts', 'models', 'plans', 'ports', 'suggestion', 'text'],
    packages: [protocol, bus, 'better-sqlite3', 'canonicalize', 'yaml', 'zod'],
    builtins: 'all',
  },
];

/** All zones of product code, in the order in which they are tried. */
const zones: readonly Zone[] = [
  ...busZones,
  ...orchestratorZones,
  {
    name: 'worker-image',
    files: /^worker-image\/src\//,
    zones: [],
    packages: [protocol, 'zod'],
    lazyPackages: ['@agentclientprotocol/sdk'],
    builtins: 'all',
  },
  {
    name: 'cli',
    files: /^tools\/cli\/src\//,
    zones: [],
    packages: [protocol, 'commander'],
    lazyPackages: [orchestrator, 'tar'],
    builtins: 'all',
  },
];

/** Libraries that only one place may touch, whatever its zone allows. */
const owners: Readonly<Record<string, RegExp>> = {
  '@anthropic-ai/sdk': /^orchestrator\/src\/models\/anthropic\//,
  'openai': /^orchestrator\/src\/models\/openai\//,
  '@google/genai': /^orchestrator\/src\/models\/gemini\//,
  'ollama': /^orchestrator\/src\/models\/ollama\//,
  '@modelcontextprotocol/sdk': /^orchestrator\/src\/mcp\//,
  '@pydantic/genai-prices': /^orchestrator\/src\/models\/prices\//,
  'dockerode': /^orchestrator\/src\/containers\//,
  'simple-git': /^orchestrator\/src\/git\//,
  'ioredis': /^agent-bus\/src\/adapters\/redis\//,
  // The bus, the read model `company.db` and the lock files are the only SQLite files there are.
  'better-sqlite3':
    /^(agent-bus\/src\/adapters\/(file|sqlite)\/|orchestrator\/src\/(.+\/)?([a-z-]*read-model|company-db|[a-z-]*lock)(\/|[a-z-]*\.ts$))/,
};

/** Tests, tools and examples: they may import anything, product code may not import them. */
const outside =
  /^(scripts|tests|bench|docs|worker-image\/image|tools\/cli\/(bin|src\/demo\/scripts))\/|\.test\.ts$|^(orchestrator|worker-image|tools\/cli)\/src\/(.+\/)?testing\/|^[^/]+$/;

/** What every file of a package may import: its package's error catalogue, its log port, its own manifest. */
const shared = /^(agent-bus|orchestrator|worker-image|tools\/cli)\/(src\/(errors|log)\.ts|package\.json)$/;

function busAdapter(name: string, libraries: readonly string[]): Zone {
  const files = new RegExp(`^agent-bus/src/adapters/${name}/`);
  return {
    name: `bus adapter ${name}`,
    files,
    zones: ['bus core'],
    packages: [protocol, 'zod', ...libraries],
    builtins: 'all',
  };
}

function portAdapter(name: string, files: RegExp, libraries: readonly string[], alsoImports: readonly string[]): Zone {
  return {
    name,
    files,
    zones: ['ports', ...alsoImports],
    packages: [protocol, 'zod', ...libraries],
    builtins: 'all',
  };
}

function modelAdapter(name: string, libraries: readonly string[]): Zone {
  return {
    name: `models ${name}`,
    files: new RegExp(`^orchestrator/src/models/${name}/`),
    zones: ['models'],
    packages: [protocol, ...libraries],
    builtins: ['crypto', 'fs/promises'],
  };
}

/** One import as it stands in a file: the file's and a relative target's path, or the specifier of a package. */
export interface ImportEdge {
  /** The importing file, relative to the repository root. */
  readonly file: string;
  /** What is written between the quotes. */
  readonly specifier: string;
  /** The imported file relative to the repository root; null when the specifier is no relative path. */
  readonly target: string | null;
  /** True for `import type` and `import()`, which load nothing at start. */
  readonly lazy: boolean;
}

function zoneOf(file: string): Zone | undefined {
  return zones.find((zone) => zone.files.test(file));
}

function packageOf(path: string): string | undefined {
  return /^(agent-bus\/protocol|agent-bus|orchestrator|worker-image|tools\/cli)\//.exec(path)?.[1];
}

function fileProblem(from: Zone, file: string, target: string): string | null {
  if (packageOf(file) !== packageOf(target))
    return `reaches into another package by path: ${target}; import it by name`;
  if (shared.test(target)) return null;
  if (outside.test(target)) return `product code may not import tests or tools: ${target}`;
  const to = zoneOf(target);
  if (to === undefined) return `${from.name} may not import ${target}, which has no zone in scripts/lint/walls.ts`;
  if (to.name === from.name || from.zones === 'all' || from.zones.includes(to.name)) return null;
  return `${from.name} may not import ${to.name} (${target})`;
}

function packageProblem(from: Zone, edge: ImportEdge, builtins: ReadonlySet<string>): string | null {
  const bare = edge.specifier.replace(/^node:/, '');
  if (edge.specifier.startsWith('node:') || builtins.has(bare)) {
    const allowed = from.builtins === 'all' || from.builtins.includes(bare);
    return allowed ? null : `${from.name} may not import node:${bare}`;
  }
  const name = edge.specifier.split('/', edge.specifier.startsWith('@') ? 2 : 1).join('/');
  if (edge.specifier.endsWith('/testing')) return `product code may not import ${edge.specifier}`;
  const owner = owners[name];
  if (owner !== undefined && !owner.test(edge.file))
    return `${from.name} may not import ${name}: another place owns it`;
  if (from.packages.includes(name)) return null;
  if (from.lazyPackages?.includes(name) === true) {
    return edge.lazy ? null : `${from.name} may load ${name} only lazily: import type, or import()`;
  }
  return `${from.name} may not import ${name}`;
}

/** What is wrong with where a file lies; null when its walls are known. */
export function placeProblem(file: string): string | null {
  const known = outside.test(file) || zoneOf(file) !== undefined;
  return known ? null : `${file} has no zone: declare its walls in scripts/lint/walls.ts`;
}

/** What is wrong with this import, in one line; null when the walls allow it. `builtins` are Node's module names. */
export function wallProblem(edge: ImportEdge, builtins: ReadonlySet<string>): string | null {
  const from = zoneOf(edge.file);
  if (outside.test(edge.file) || from === undefined) return null;
  return edge.target === null ? packageProblem(from, edge, builtins) : fileProblem(from, edge.file, edge.target);
}
