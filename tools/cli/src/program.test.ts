import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { cliErrors } from './errors.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { createSession } from './session.ts';
import { runCli } from './testing/run-cli.ts';

/** Every command by its full name, leaves and groups. */
async function commandNames(): Promise<readonly string[][]> {
  const help = await runCli(['--help'], { home: null });
  expect(help.exitCode).toBe(0);
  const names: string[][] = [];
  const walk = (command: Command, path: string[]): void => {
    names.push(path);
    for (const child of command.commands) walk(child, [...path, child.name()]);
  };
  const io = {
    stdout: { write: () => undefined, isTerminal: false, columns: 80 },
    stderr: { write: () => undefined, isTerminal: false, columns: 80 },
  };
  walk(
    createProgram(
      createSession({
        ...io,
        environment: {},
        cwd: '/',
        checkout: '/',
        openCompany: async () => Promise.reject(new Error('help opens no company')),
        readRuns: async () => Promise.reject(new Error('help reads no runs')),
        readStdin: async () => Promise.reject(new Error('help reads nothing')),
        onInterrupt: () => () => undefined,
      }),
    ),
    [],
  );
  return names;
}

describe('the surface', () => {
  it('C32 has these commands and this help: a change here is a change for every user', async () => {
    const pages: string[] = [];
    for (const name of await commandNames()) {
      const { exitCode, stdout } = await runCli([...name, '--help'], { home: null });
      expect(exitCode).toBe(0);
      pages.push(`===== agentcompany ${name.join(' ')}\n${stdout}`);
    }
    await expect(pages.join('\n')).toMatchFileSnapshot('./testing/help.txt');
  });

  it('help fits 80 columns and begins with examples', async () => {
    for (const name of await commandNames()) {
      const { stdout } = await runCli([...name, '--help'], { home: null });
      const isGroup = ['project', 'plan', 'runs', 'pr', 'bus', 'state'].includes(name.join(' '));
      expect(stdout.startsWith(isGroup ? 'Usage: ' : 'Examples:\n  ')).toBe(true);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it.each([
    [['stauts'], "unknown command 'stauts', did you mean status?", 'agentcompany --help'],
    [['run', '--plna', 'x'], "unknown option '--plna', did you mean --plan?", 'agentcompany run --help'],
    [['cancel'], "missing required argument 'run'", 'agentcompany cancel --help'],
    [['status', 'extra'], 'too many arguments', 'agentcompany status --help'],
    [['project', 'add', '--url', 'https://x', '--path', '.'], 'cannot be used with', 'agentcompany project add --help'],
    [['plan', 'chek'], "unknown command 'chek', did you mean check?", 'agentcompany plan --help'],
  ])('usage: %j', async (words, problem, help) => {
    const { exitCode, stdout, stderr } = await runCli(words);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('error AC_USAGE: ');
    expect(stderr).toContain(problem);
    expect(stderr).toContain(`  remedy: See \`${help}\`.\n`);
  });

  it('a group alone prints its help as talk and exits 2', async () => {
    expect(await runCli(['project'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: agentcompany project'),
    });
  });

  it('an error is JSON with --json, wherever it arises', async () => {
    const usage = await runCli(['stauts', '--json']);
    expect(JSON.parse(usage.stderr)).toMatchObject({ version: 1, error: { code: 'AC_USAGE' } });
  });

  it('says so where it failed for a reason nobody foresaw', async () => {
    const { company } = await runCli(['status']);
    company.listRuns = async () => Promise.reject(new Error('boom'));
    expect(await runCli(['status'], { company })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error AC_CLI_BUG.*\n {2}cause: Error: boom/),
    });
    expect(company.closed).toBe(true);
  });

  it('--quiet leaves data and errors', async () => {
    expect(await runCli(['runs', 'list', '--quiet'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await runCli(['runs', 'list'])).stderr).not.toBe('');
    expect((await runCli(['runs', 'show', 'x', '--quiet'])).stderr).toContain('AC_RUN_UNKNOWN');
  });
});

describe('exit codes', () => {
  it.each([
    ['AC_USAGE', 2],
    ['AC_INSTRUCTION_EMPTY', 2],
    ['AC_PLAN_CYCLE', 2],
    ['AC_ENGINE_RUNNING', 3],
    ['AC_ENGINE_ABSENT', 4],
    ['AC_NO_HOME', 4],
    ['AC_BUS_AWAY', 4],
    ['AC_BUS_VOLATILE', 4],
    ['AC_DEAD_LETTER_AMBIGUOUS', 2],
    ['AC_CONFIG_INVALID', 4],
    ['AC_PROJECT_UNKNOWN', 4],
    ['AC_RUN_NOT_SUCCESSFUL', 5],
    ['AC_RUN_NEEDS_PERSON', 6],
    ['AC_BUDGET_SPENT', 7],
    ['AC_TIMEOUT', 124],
    ['AC_INTERRUPTED', 130],
    ['AC_RUN_UNKNOWN', 1],
    ['AC_ANYTHING_ELSE', 1],
  ])('%s ends with %i', (code, exitCode) => {
    expect(exitCodeOf(code)).toBe(exitCode);
  });

  it('docs/cli.md lists exactly these, and every command', async () => {
    const page = readFileSync(path.join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(exitCodes));
    const missing = (await commandNames()).filter(
      (name) => name.length === 1 && !new RegExp(`^\\|[^|]*\`${name[0]}\\b`, 'm').test(page),
    );
    expect(missing).toEqual([]);
  });

  it('no error of the command line ends with 0', () => {
    expect(Object.keys(cliErrors.entries).filter((code) => exitCodeOf(code) === exitCodes.ok)).toEqual([]);
  });
});
