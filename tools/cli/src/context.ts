import type { AppError, Result } from '@agentcompany/protocol';
import type { Company } from '@agentcompany/orchestrator';
import type { CompanyHome } from '@agentcompany/orchestrator/company-home';
import type { Config } from '@agentcompany/orchestrator/config';
import type { RunReader } from '@agentcompany/orchestrator/read-runs';
import { exitCodeOf } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { cleanJson, cleanText } from './terminal/clean-text.ts';
import { createStyle, wantsColour, type Style } from './terminal/style.ts';

/** Options every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly json?: true;
  readonly quiet?: true;
  /** False by --no-color. */
  readonly color: boolean;
}

/** What a command works with. Data goes to standard output, talk to standard error. */
export interface Context {
  readonly io: CliIo;
  readonly json: boolean;
  readonly quiet: boolean;
  /** For standard output. */
  readonly style: Style;
  /** For standard error. */
  readonly talkStyle: Style;
  data(line: string): void;
  /** One JSON document on one line. */
  document(value: unknown): void;
  /** Silent with --quiet. */
  talk(line: string): void;
  /** Prints an error and gives its exit code. */
  fail(error: AppError): number;
  home(): Promise<Result<CompanyHome>>;
  /** Opens the company, hands it over, and closes it whatever happens. */
  withCompany(flags: ConfigFlags, use: (company: Company, config: Config) => Promise<number>): Promise<number>;
  /** The same for what only lists runs: where the read model is up to date, the company is not opened. */
  withRuns(use: (runs: RunReader) => Promise<number>): Promise<number>;
}

export type ConfigFlags = Readonly<Record<string, unknown>>;

/** An error as it is printed: its code and message, the cause, the remedy. */
function errorLines(error: AppError, style: Style): readonly string[] {
  const cause = error.cause === null ? [] : [`  cause: ${cleanText(error.cause).replaceAll('\n', '\n         ')}`];
  return [
    `${style.bad('error')} ${error.code}: ${cleanText(error.message)}`,
    ...cause,
    `  remedy: ${cleanText(error.remedy)}`,
  ];
}

export function createContext(io: CliIo, options: GlobalOptions): Context {
  const json = options.json === true;
  const quiet = options.quiet === true;
  const styleFor = (isTerminal: boolean): Style =>
    createStyle(wantsColour({ environment: io.environment, isTerminal, flag: options.color }));
  const talkStyle = styleFor(io.stderr.isTerminal);
  const context: Context = {
    io,
    json,
    quiet,
    style: styleFor(io.stdout.isTerminal),
    talkStyle,
    data: (line) => io.stdout.write(`${line}\n`),
    document: (value) => {
      const json = JSON.stringify(value);
      io.stdout.write(`${io.stdout.isTerminal ? cleanJson(json) : json}\n`);
    },
    talk: (line) => {
      if (!quiet) io.stderr.write(`${line}\n`);
    },
    fail: (error) => {
      io.stderr.write(
        json ? `${JSON.stringify({ version: 1, error })}\n` : `${errorLines(error, talkStyle).join('\n')}\n`,
      );
      return exitCodeOf(error.code);
    },
    home: async () => {
      const { resolveHome } = await import('@agentcompany/orchestrator/company-home');
      return resolveHome({ flag: options.home, environment: io.environment, cwd: io.cwd, checkout: io.checkout });
    },
    withCompany: async (flags, use) => {
      const place = await configured(context, flags);
      return place.ok ? opened(context, place.value, use) : context.fail(place.error);
    },
    withRuns: async (use) => {
      const place = await configured(context, {});
      if (!place.ok) return context.fail(place.error);
      const runs = await io.readRuns(place.value.home, place.value.config);
      return runs === null ? opened(context, place.value, use) : use(runs);
    },
  };
  return context;
}

interface Configured {
  readonly home: CompanyHome;
  readonly config: Config;
}

/** The home and its configuration, with what is to be said of it. */
async function configured(context: Context, flags: ConfigFlags): Promise<Result<Configured>> {
  const home = await context.home();
  if (!home.ok) return home;
  const { loadConfig } = await import('@agentcompany/orchestrator/config');
  const loaded = loadConfig({ home: home.value, environment: context.io.environment, flags: { ...flags } });
  if (!loaded.ok) return loaded;
  for (const warning of loaded.value.warnings) context.talk(`${context.talkStyle.attention('warning')}: ${warning}`);
  return { ok: true, value: { home: home.value, config: loaded.value.config } };
}

async function opened(
  context: Context,
  { home, config }: Configured,
  use: (company: Company, config: Config) => Promise<number>,
): Promise<number> {
  const { environment, checkout: installation } = context.io;
  const company = await context.io.openCompany(home, { environment, installation, config });
  if (!company.ok) return context.fail(company.error);
  try {
    return await use(company.value, config);
  } finally {
    await company.value.close();
  }
}
