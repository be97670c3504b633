import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { failure, success, type AppError, type Result } from '@agentcompany/protocol';
import { demoErrors } from './errors.ts';
import type { PackageName } from './package-name.ts';
import { runTool } from './run-tool.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What `npm pack` made: a file name in the folder it ran in, and the file's digest in the form of Subresource Integrity. */
export interface PackedFile {
  readonly filename: string;
  readonly integrity: string;
}

const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_SOCKET_TIMEOUT',
  'E502',
  'E503',
  'E504',
  'ENOTCACHED',
]);
const unknown = new Set(['E404', 'ETARGET', 'ENOVERSIONS']);
const timeoutMs = 120_000;

/** The npm that runs us, else the one beside this Node, else the one on the PATH. */
function findNpm(environment: Environment): readonly [program: string, ...args: string[]] {
  const beside = path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const script = [environment['npm_execpath'], beside].find(
    (file) => file !== undefined && path.basename(file) === 'npm-cli.js' && existsSync(file),
  );
  return script === undefined ? ['npm'] : [process.execPath, script];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function errorOf(name: PackageName, answer: unknown, stderr: string): AppError {
  const { code, summary } = record(record(answer)['error']);
  const cause = typeof summary === 'string' ? summary : stderr.slice(-500);
  const parameters = { package: name.id };
  if (unknown.has(String(code))) return demoErrors.AC_DEMO_PACKAGE_UNKNOWN(parameters, cause);
  if (unreachable.has(String(code))) return demoErrors.AC_DEMO_REGISTRY_UNREACHABLE(parameters, cause);
  return demoErrors.AC_DEMO_PACKAGE_UNREADABLE({ ...parameters, problem: 'npm pack failed' }, cause);
}

/**
 * Lets npm download the published archive into `folder`, which checks it against the registry's digest; nothing of the package runs.
 * Errors: `AC_DEMO_PACKAGE_UNKNOWN`, `AC_DEMO_REGISTRY_UNREACHABLE`, `AC_DEMO_PACKAGE_UNREADABLE`.
 */
export async function npmPack(
  name: PackageName,
  folder: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<Result<PackedFile>> {
  const [program, ...before] = findNpm(environment);
  const args = [
    ...before,
    'pack',
    name.id,
    '--json',
    '--ignore-scripts',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
    '--fetch-timeout=30000',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
  ];
  const end = await runTool({ program, args, folder, environment, timeoutMs, signal });
  const answer = parse(end.stdout);
  if (end.code !== 0) return failure(errorOf(name, answer, end.stderr));
  const { filename, integrity } = record(Object.values(record(answer))[0]);
  if (typeof filename !== 'string' || typeof integrity !== 'string' || path.basename(filename) !== filename) {
    return failure(
      demoErrors.AC_DEMO_PACKAGE_UNREADABLE(
        { package: name.id, problem: 'npm pack said nothing that could be understood' },
        end.stdout.slice(0, 500),
      ),
    );
  }
  return success({ filename, integrity });
}
