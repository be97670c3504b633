import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus, type AgentBus } from '@agentcompany/agent-bus';
import { startRedis, type RedisServer } from '@agentcompany/agent-bus/testing';
import { initHome } from '@agentcompany/orchestrator/company-home';
import { loadConfig } from '@agentcompany/orchestrator/config';
import { chainChecks } from '@agentcompany/orchestrator/open-checks';
import { newId, unwrap, type Result } from '@agentcompany/protocol';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { errorOf } from '../orchestrator/src/company/testing/fixtures.ts';
import { envelopeTo, submit } from '../orchestrator/src/engine/testing/ledger-on-disk.ts';
import { busOptions } from '../orchestrator/src/home-bus.ts';
import { openCompanyLazily } from '../tools/cli/src/company-source.ts';
import { runCli, type CliCall, type CliResult } from '../tools/cli/src/testing/run-cli.ts';

let server: RedisServer;
beforeAll(async () => void (server = await startRedis()));
afterAll(() => server.dispose());

let folder: string;
const opened: AgentBus[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bus-operations-'))));
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

type Adapter = 'file' | 'sqlite' | 'redis';

interface Place {
  /** Another process on the store. */
  readonly bus: AgentBus;
  readonly cli: (words: readonly string[], call?: CliCall) => Promise<CliResult>;
  readonly json: (...words: readonly string[]) => Promise<unknown>;
  readonly doctor: () => Promise<Result<string>>;
}

/** A company whose messages are kept by `adapter`. */
async function placeOn(adapter: Adapter, name = 'home'): Promise<Place> {
  const home = unwrap(initHome(join(folder, name)));
  const environment = { AGENTCOMPANY_MESSAGE_QUEUE: adapter, AGENTCOMPANY_REDIS_URL: server.url };
  const { config } = unwrap(loadConfig({ home, environment }));
  const bus = unwrap(await openBus(unwrap(busOptions(home, config))));
  opened.push(bus);
  const cli = (words: readonly string[], call: CliCall = {}): Promise<CliResult> =>
    runCli(['bus', ...words], { home, openCompany: openCompanyLazily, environment, ...call });
  const doctor = async (): Promise<Result<string>> => {
    const check = chainChecks({ home, config, environment, installation: folder }).find(({ id }) => id === 'bus');
    if (check === undefined) throw new Error('doctor does not look at the bus');
    return check.run();
  };
  return { bus, cli, doctor, json: async (...words) => JSON.parse((await cli([...words, '--json'])).stdout) };
}

async function take(bus: AgentBus, queue: string): Promise<Parameters<AgentBus['complete']>[0]> {
  const [delivery] = unwrap(await bus.receive(queue, { max: 1, waitMs: 5000, leaseMs: 60_000 }));
  if (delivery === undefined) throw new Error(`nothing in ${queue}`);
  return delivery;
}

/** A run that failed and one that is open, with a delivery that was given up. */
async function furnish(bus: AgentBus): Promise<{ readonly ended: string; readonly open: string }> {
  const ended = await submit(bus, null);
  const failed = envelopeTo(ended, 'run_failed', { error: errorOf('AC_PLAN_MISSING', 'never') });
  const progress = envelopeTo(ended, 'task_progress', { attempt_id: 'a', message: 'half way' });
  const items = [failed, progress].map((envelope) => ({ envelope, queue: null }));
  unwrap(await bus.complete(await take(bus, 'engine'), items));
  const open = await submit(bus, null);
  unwrap(await bus.complete(await take(bus, 'engine'), []));
  const hostile = { context: { run_id: open, task_id: 'one\u001b[2J\u202etwo' }, recipient: 'workers' };
  unwrap(await bus.send([{ envelope: envelopeTo(open, 'task_note', { note: 'x' }, hostile) }]));
  unwrap(await bus.reject(await take(bus, 'workers'), errorOf('AC_AGENT_MISSING', 'never'), []));
  unwrap(await bus.complete(await take(bus, 'engine'), []));
  return { ended, open };
}

const escape = /[^\n\P{C}]/u;

describe.each(['file', 'sqlite', 'redis'] as const)('agentcompany bus on %s', (adapter) => {
  it('C32 shows what is there within 80 columns, and makes hostile text harmless', async () => {
    const { bus, cli, json } = await placeOn(adapter);
    const { open } = await furnish(bus);
    const stats = await cli(['stats']);
    expect(stats.stdout).toMatch(/^streams {7}3$/m);
    expect(stats.stdout).toMatch(/^envelopes {5}6, last position 6$/m);
    expect(stats.stdout).toMatch(/^dead letters {2}1: see /m);
    expect(await json('stats')).toMatchObject({ version: 1, bus: { adapter, entries: 6, dead_letters: 1 } });
    const tail = await cli(['tail', '--last', '2']);
    expect(tail.stdout.split('\n').map((line) => line.slice(0, 6).trim())).toEqual(['5', '6', '']);
    expect(tail.stdout).toContain(`task_note        president -> workers  ${open.slice(0, 18)}/one…`);
    const history = await cli(['history']);
    expect(history.stdout).toMatch(/ failed {5}task_note /);
    const letters = await cli(['dead-letters']);
    expect(letters.stdout).toContain('AC_AGENT_MISSING');
    const document = await cli(['tail', '--json', '--last', '2'], { isTerminal: true });
    expect([escape.test(document.stdout), document.stdout.includes('\\u202e')]).toEqual([false, true]);
    for (const { exitCode, stdout } of [stats, tail, history, letters]) {
      expect([exitCode, escape.test(stdout)]).toEqual([0, false]);
      expect(stdout.split('\n').filter((line) => Array.from(line).length > 80)).toEqual([]);
    }
  });

  it('H20 searches every envelope by run, type, status and page', async () => {
    const { bus, cli, json } = await placeOn(adapter);
    const { ended, open } = await furnish(bus);
    const types = async (...words: readonly string[]): Promise<readonly string[]> => {
      const page = (await json('history', ...words)) as { entries: { envelope: { envelope_type: string } }[] };
      return page.entries.map(({ envelope }) => envelope.envelope_type);
    };
    expect(await types(ended)).toEqual(['task_submit', 'run_failed', 'task_progress']);
    expect(await types(open.slice(0, 30), '--status', 'processed')).toEqual(['task_submit', 'dead_letter']);
    expect(await types('--status', 'failed')).toEqual(['task_note']);
    expect(await types('--type', 'task_submit', '--limit', '1', '--offset', '1')).toEqual(['task_submit']);
    expect(await types('--recipient', 'workers')).toEqual(['task_note']);
    expect(await types('--since', '2026-11-20T12:00Z', '--until', '2026-11-20T12:00:00.001')).toHaveLength(5);
    const page = await cli(['history', '--limit', '2']);
    expect([page.stdout.trimEnd().split('\n').length, page.stderr]).toEqual([2, 'There are more: --offset 2\n']);
    expect(await cli(['history', '--type', 'gift'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('H11 puts a dead letter back, or forgets it', async () => {
    const { bus, cli, json } = await placeOn(adapter);
    await furnish(bus);
    const { dead_letters: letters } = (await json('dead-letters')) as { dead_letters: { id: string }[] };
    const id = letters[0]?.id ?? '';
    expect(await cli(['requeue', id.slice(0, 12)])).toMatchObject({ exitCode: 0, stdout: '1 dead letter requeued\n' });
    const again = await take(bus, 'workers');
    expect([again.envelope.envelope_type, again.count]).toEqual(['task_note', 1]);
    unwrap(await bus.reject(again, errorOf('AC_AGENT_MISSING', 'never'), []));
    expect(await json('requeue', '--all')).toMatchObject({ requeued: [expect.any(String)] });
    unwrap(await bus.reject(await take(bus, 'workers'), errorOf('AC_AGENT_MISSING', 'never'), []));
    const [letter] = unwrap(await bus.deadLetters());
    expect(await cli(['purge', letter?.id ?? ''])).toMatchObject({ exitCode: 0 });
    expect(await cli(['purge', letter?.id ?? ''])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_BUS_UNKNOWN_DEAD_LETTER'),
    });
    expect(await cli(['dead-letters'])).toMatchObject({ exitCode: 0, stdout: '', stderr: 'No dead letters.\n' });
  });

  it('forgets ended runs, refuses open ones, and says before what would go', async () => {
    const { bus, cli, json } = await placeOn(adapter);
    const { ended, open } = await furnish(bus);
    expect(await cli(['purge', '--run', open])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('error AC_RUN_OPEN'),
    });
    const gone = { run_id: ended, entries: 3, kept: null };
    expect(await json('purge', '--run', ended, '--dry-run')).toEqual({ version: 1, dry_run: true, runs: [gone] });
    expect(unwrap(await bus.streams())).toHaveLength(3);
    expect(await json('purge', '--before', '2999-01-01')).toEqual({ version: 1, dry_run: false, runs: [gone] });
    expect(unwrap(await bus.streams())).toEqual([open]);
    expect(await json('stats')).toMatchObject({ bus: { streams: 1, entries: 3, last_position: 6 } });
    expect(await cli(['history', ended])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AC_RUN_UNKNOWN'),
    });
  });

  it('doctor has it take a durable step, tells of dead letters, and leaves it as empty as it was', async () => {
    const { bus, cli, doctor } = await placeOn(adapter);
    const away = { file: 'here', sqlite: 'here', redis: 'there' }[adapter];
    expect(await doctor()).toEqual({ ok: true, value: `${adapter}, a write was fsynced ${away}; no dead letters` });
    const file = join(folder, 'empty.ndjson');
    expect(await cli(['export', file])).toMatchObject({ exitCode: 0 });
    expect(await cli(['import', file])).toMatchObject({ exitCode: 0, stdout: '0 envelopes of 0 runs imported\n' });
    await furnish(bus);
    const told = `${adapter}, a write was fsynced ${away}; 1 dead letter: see \`agentcompany bus dead-letters\``;
    expect(await doctor()).toEqual({ ok: true, value: told });
  });

  it('follows what comes until it is interrupted', async () => {
    const { bus, cli } = await placeOn(adapter);
    let interrupt = (): void => undefined;
    const openCompany: typeof openCompanyLazily = async (...request) => {
      const company = unwrap(await openCompanyLazily(...request));
      const tail: typeof company.bus.tail = async function* (options) {
        for await (const entry of company.bus.tail(options)) {
          yield entry;
          // Whoever asks for the next one has printed this one.
          interrupt();
        }
      };
      return { ok: true, value: { ...company, bus: { ...company.bus, tail } } };
    };
    const words = ['tail', '--follow', '--after', '0', '--json'];
    const following = cli(words, { openCompany, interruptible: (handler) => (interrupt = handler) });
    const envelope = envelopeTo(newId(), 'ping', {}, { context: {} });
    unwrap(await bus.send([{ envelope, queue: null }]));
    const { exitCode, stdout } = await following;
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { position: 1, seq: 1, stream: 'company', envelope }]);
  });
});

/** Lines of an export but those of the moment it was taken: envelopes as they stand, all else in one order. */
function contentOf(text: string): { readonly envelopes: readonly string[]; readonly rest: readonly string[] } {
  const lines = text.trimEnd().split('\n');
  const others = lines.map((line) => JSON.parse(line) as { kind: string }).filter(({ kind }) => !moment.has(kind));
  return {
    envelopes: lines.filter((line) => line.startsWith('{"kind":"entry"')),
    rest: others.map((record) => JSON.stringify(record, Object.keys(record).toSorted())).toSorted(),
  };
}

const moment = new Set(['bus', 'entry', 'lease', 'end']);

describe('agentcompany bus export and import', () => {
  it('C3 carry a company from file to SQLite to Redis and back, every envelope the same byte for byte', async () => {
    const files: string[] = [];
    const contents: ReturnType<typeof contentOf>[] = [];
    for (const [index, adapter] of (['file', 'sqlite', 'redis', 'file'] as const).entries()) {
      const { bus, cli, json } = await placeOn(adapter, `home-${index}`);
      const before = files.at(-1);
      if (before === undefined) await furnish(bus);
      else expect((await cli(['import', before])).stdout).toBe('6 envelopes of 2 runs imported\n');
      const file = join(folder, `${index}-${adapter}.ndjson${index % 2 === 0 ? '.gz' : ''}`);
      expect(await json('export', file)).toMatchObject({ version: 1, file, records: expect.any(Number) });
      files.push(file);
      contents.push(contentOf((await cli(['export'])).stdout));
      expect(await cli(['import', file])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('AC_BUS_NOT_EMPTY'),
      });
    }
    expect(contents[0]?.envelopes).toHaveLength(6);
    expect(contents[0]?.rest).toHaveLength(5);
    for (const content of contents.slice(1)) expect(content).toEqual(contents[0]);
  });
});

describe('agentcompany on a store that cannot be trusted', () => {
  it('S83 refuses one of a later version with the way out, and leaves it alone', async () => {
    const { bus, cli } = await placeOn('sqlite');
    await furnish(bus);
    await bus.close();
    const file = join(folder, 'home/runtime/state/bus/bus.db');
    const database = new Database(file);
    database.pragma('user_version = 99');
    database.close();
    for (const words of [['stats'], ['history'], ['export', join(folder, 'out.ndjson')]])
      expect(await cli(words)).toMatchObject({
        exitCode: 4,
        stdout: '',
        stderr: expect.stringMatching(/error AC_BUS_SCHEMA_NEWER: .*99.*\n {2}remedy: Upgrade/),
      });
    expect(existsSync(join(folder, 'out.ndjson'))).toBe(false);
  });

  it('refuses a server that may lose what it acknowledged, unless that is accepted, and shows no password', async () => {
    const volatile = await startRedis({ settings: { appendfsync: 'everysec' } });
    try {
      const environment = { AGENTCOMPANY_MESSAGE_QUEUE: 'redis', AGENTCOMPANY_REDIS_URL: volatile.url };
      const home = unwrap(initHome(join(folder, 'home')));
      const call = { home, openCompany: openCompanyLazily };
      const refused = await runCli(['bus', 'stats'], { ...call, environment });
      expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('AC_BUS_VOLATILE') });
      const accepting = { ...environment, AGENTCOMPANY_ACCEPT_VOLATILE: 'true' };
      const accepted = await runCli(['bus', 'stats'], { ...call, environment: accepting });
      expect(accepted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('NOT PROMISED') });
      expect(accepted.stderr).toContain('accept_volatile is on');
      const secret = { ...environment, AGENTCOMPANY_REDIS_URL: 'redis://user:hunter2@127.0.0.1:1' };
      const away = await runCli(['bus', 'stats'], { ...call, environment: secret });
      expect(away).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('AC_BUS_AWAY') });
      expect(away.stdout + away.stderr).not.toContain('hunter2');
    } finally {
      await volatile.dispose();
    }
  });
});
