import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { initHome, type CompanyHome } from '@agentcompany/orchestrator/company-home';
import { addProject } from '@agentcompany/orchestrator/projects';
import { success, unwrap } from '@agentcompany/protocol';
import type { CliIo, OpenCompany, Output, ReadRuns } from '../io.ts';
import { runProgram } from '../program.ts';
import { FakeCompany } from './fake-company.ts';

export interface CliCall {
  readonly company?: FakeCompany;
  readonly home?: CompanyHome | null;
  /** Opens another company than the one in memory. */
  readonly openCompany?: OpenCompany;
  /** How runs are read without opening a company; where absent it always has to be opened. */
  readonly readRuns?: ReadRuns;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  /** Gets the function that interrupts. */
  readonly interruptible?: (interrupt: () => void) => void;
}

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly company: FakeCompany;
}

/** A fresh home with one project `tool`. */
export function homeWithProject(): CompanyHome {
  const home = unwrap(initHome(mkdtempSync(path.join(tmpdir(), 'cli-'))));
  unwrap(addProject(home, { cwd: '/', url: 'https://example.org/tool' }));
  return home;
}

function capture(isTerminal: boolean): { readonly output: Output; readonly text: () => string } {
  let all = '';
  return { output: { write: (text) => void (all += text), isTerminal, columns: 80 }, text: () => all };
}

/** Calls the command line as a person would, against a company in memory. */
export async function runCli(words: readonly string[], call: CliCall = {}): Promise<CliResult> {
  const company = call.company ?? new FakeCompany();
  const home = call.home === undefined ? homeWithProject() : call.home;
  const [stdout, stderr] = [capture(call.isTerminal ?? false), capture(call.isTerminal ?? false)];
  const io: CliIo = {
    stdout: stdout.output,
    stderr: stderr.output,
    environment: { ...(home === null ? {} : { AGENTCOMPANY_HOME: home.root }), ...call.environment },
    cwd: mkdtempSync(path.join(tmpdir(), 'cwd-')),
    checkout: '/nowhere',
    openCompany: call.openCompany ?? (async () => ((company.closed = false), success(company))),
    readRuns: call.readRuns ?? (async () => null),
    readStdin: async () => success(call.stdin ?? ''),
    onInterrupt: (handler) => {
      call.interruptible?.(handler);
      return () => undefined;
    },
  };
  const exitCode = await runProgram(['node', 'agentcompany', ...words], io);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), company };
}
