import { agentDefinition, payloadSchemas, unwrap, type AgentDefinition, type WorkOrder } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptServices, CheckpointStore } from '../door/attempt-services.ts';
import { openCheckpoints } from '../engine/checkpoint-files.ts';
import { engineErrors } from '../engine/errors.ts';
import type { ModelRequest } from '../models/model.ts';
import {
  lastAnswers,
  memoryCheckpoint,
  scriptedModels,
  servicesWith,
  type ScriptedAnswer,
} from './testing/scripted-models.ts';
import { WorkerFixture, type Finished } from './testing/worker-fixture.ts';

type TaskOrder = Extract<WorkOrder, { kind: 'task' }>;

describe('the builtin agent in a real container', () => {
  let fixture: WorkerFixture;
  beforeAll(async () => {
    fixture = await WorkerFixture.open({
      'readme.txt': 'hello\n',
      'sum.mjs': 'export const sum = (a, b) => a - b;\n',
    });
  });
  afterAll(() => fixture.close());

  function order(
    definition: Partial<AgentDefinition> = {},
    resume = false,
    changes: Partial<TaskOrder> = {},
  ): TaskOrder {
    const whole = agentDefinition.parse({ name: 'tester', role: 'worker', ...definition });
    const agent = { definition: whole, agent_timeout: 300, model: 'scripted', acceptance: [], paths: [], resume };
    return fixture.order({ run: null, agent, ...changes });
  }

  async function show(finished: Finished, path: string): Promise<string> {
    const { report } = unwrap(finished.result);
    const reference = `refs/agentcompany/result:refs/test/${report.commit}`;
    await fixture.git('-C', fixture.mirror, 'fetch', '--quiet', finished.bundleFile, reference);
    return fixture.git('-C', fixture.mirror, 'show', `${report.commit}:${path}`);
  }

  /** The checkpoints of one task as a host opens them, also after it was started again. */
  function onDisk(): CheckpointStore {
    const payload = { project_id: 'p', task: { id: 'a-task', title: 'T', agent: 'tester' }, verify: [], round: 1 };
    const assignment = payloadSchemas.task_assign.parse({ ...payload, feedback: null, image: null });
    return openCheckpoints({ runsFolder: fixture.folder }, 'a-run', { assignment });
  }

  /** Calls tools one after the other and gives what each answered. */
  async function answersOf(
    calls: readonly { readonly name: string; readonly input: unknown }[],
    changes: Partial<TaskOrder> = {},
  ): Promise<readonly { readonly text: string; readonly isError: boolean }[]> {
    const answers: { readonly text: string; readonly isError: boolean }[] = [];
    const models = scriptedModels((request, number) => {
      if (number > 0) answers.push(...lastAnswers(request));
      const call = calls[number];
      return call === undefined ? 'done' : [call];
    });
    const { result } = await fixture.finish(order({}, false, { allow_empty: true, ...changes }), {
      services: servicesWith(models),
    });
    expect(unwrap(result).report).toMatchObject({ outcome: 'done' });
    return answers;
  }

  const command = (text: string) => ({ name: 'run_command', input: { command: text } });

  it('reads, edits, runs and ends: what it leaves is committed and checked', async () => {
    const test = `node --input-type=module -e "import { sum } from './sum.mjs'; process.exit(sum(2, 2) === 4 ? 0 : 1)"`;
    const script: readonly ScriptedAnswer[] = [
      [
        { name: 'read_file', input: { path: 'sum.mjs' } },
        { name: 'search', input: { pattern: 'sum.*=' } },
      ],
      [{ name: 'edit_file', input: { path: 'sum.mjs', old_text: 'a - b', new_text: 'a + b' } }, command(test)],
      'It adds now; I ran it.',
    ];
    const models = scriptedModels((_request, number) => script[number] ?? 'done');
    const finished = await fixture.finish(order({}, false, { verify: [test] }), { services: servicesWith(models) });
    expect(unwrap(finished.result).report).toMatchObject({
      outcome: 'done',
      agent: { command: 'builtin agent', exit_code: 0, output: 'It adds now; I ran it.' },
      verify: [{ exit_code: 0 }],
    });
    expect(await show(finished, 'sum.mjs')).toContain('a + b');
    const texts = models.requests.slice(1).map((request) => lastAnswers(request).map(({ text }) => text));
    expect(texts[0]?.[1]).toContain('sum.mjs:1:export const sum');
    expect(texts[1]?.[1]).toMatch(/^exit code 0/);
    expect(finished.log).toContain('turn 2: edit_file sum.mjs');
  });

  it('C24 refuses what waits for a person, runs servers beside, and kills at the limit with all children', async () => {
    const server = `node -e "require('http').createServer((_, r) => r.end('served')).listen(8123, () => console.log('listens'))" &`;
    const ask = `node -e "fetch('http://127.0.0.1:8123').then((r) => r.text()).then(console.log, () => console.log('gone'))"`;
    const [vim, repl, started, asked, checked, killed, gone, slow, left] = await answersOf(
      [
        command('vim readme.txt'),
        command('python3'),
        command(server),
        command(ask),
        { name: 'check_process', input: { id: 'process-1' } },
        { name: 'kill_process', input: { id: 'process-1' } },
        command(ask),
        command('setsid sleep 77 & (sleep 77; true) & echo begun; wait'),
        command(`grep -lz "^sleep" /proc/[0-9]*/cmdline 2>/dev/null | wc -l`),
      ],
      { command_timeout: 4 },
    );
    expect([vim?.isError, repl?.isError]).toEqual([true, true]);
    expect(vim?.text).toContain('a person at a terminal');
    expect(started?.text).toMatch(/in the background as process-1/);
    expect(asked?.text).toContain('served');
    expect(checked?.text).toMatch(/^process-1 runs\nlistens/);
    expect(killed?.text).toMatch(/^process-1 has ended: signal SIGKILL/);
    expect(gone?.text).toContain('gone');
    expect(slow).toMatchObject({ isError: true, text: expect.stringMatching(/within 4 seconds.*\nbegun\n/) });
    expect(left?.text).toMatch(/\n0\n$/);
  });

  it('C25 refuses to read, write or edit outside the repository, and lines that are not there', async () => {
    const places = [
      '../home/x',
      '/workspace/home/x',
      'out/x',
      'leak',
      '.git/config',
      'src/../../home/x',
      'within/config',
    ];
    const attempts = places.flatMap((path) => [
      { name: 'read_file', input: { path } },
      { name: 'write_file', input: { path, content: 'x' } },
      { name: 'edit_file', input: { path, old_text: 'secret', new_text: 'x' } },
    ]);
    const edits = [
      [0, 1],
      [1, 2],
      [2, 2],
      [-1, 1],
    ].map(([start_line, end_line]) => {
      return { name: 'edit_file', input: { path: 'readme.txt', start_line, end_line, new_text: 'x\n' } };
    });
    const prepare = 'echo secret > ../home/x; ln -s ../home out; ln -s ../home/x leak; ln -s .git within';
    const answers = await answersOf([command(prepare), ...attempts, ...edits, command('cat ../home/x readme.txt')]);
    const refusals = answers.slice(1, -1);
    expect(refusals).toHaveLength(places.length * 3 + edits.length);
    expect(refusals.filter(({ isError }) => !isError)).toEqual([]);
    expect(refusals.map(({ text }) => text).join('\n')).not.toContain('secret');
    expect(answers.at(-1)?.text).toMatch(/\nsecret\nhello\n$/);
  });

  it('C27 is partial after its turns, and the next attempt in another container goes on where it was', async () => {
    const checkpoint = memoryCheckpoint();
    const writes = (number: number): ScriptedAnswer => [
      { name: 'write_file', input: { path: `part-${number}.txt`, content: `${number}\n` } },
    ];
    const first = scriptedModels((_request, number) => writes(number));
    const partial = await fixture.finish(order({ max_turns: 3 }), { services: servicesWith(first, checkpoint) });
    expect(unwrap(partial.result).report).toMatchObject({
      outcome: 'failed',
      error: { code: 'AC_WORK_PARTIAL', retry: 'now' },
      commit: null,
    });
    expect(first.requests).toHaveLength(3);
    const second = scriptedModels((_request, number) => (number === 0 ? writes(3) : 'all four are there'));
    const whole = await fixture.finish(order({ max_turns: 3 }, true), { services: servicesWith(second, checkpoint) });
    expect(unwrap(whole.result).report).toMatchObject({ outcome: 'done', error: null });
    for (const number of [0, 1, 2, 3]) expect(await show(whole, `part-${number}.txt`)).toBe(String(number));
    const continued = second.requests[0]?.messages ?? [];
    expect(continued.slice(0, 5)).toEqual(first.requests[2]?.messages);
    // Nothing is new since: the conversation goes on as if it had not been interrupted.
    expect(continued).toHaveLength(7);
    expect(continued.at(-1)?.role).toBe('tool');
  });

  it('C29 goes on after its container was killed in the middle, conversation and work with it', async () => {
    const checkpoint = onDisk();
    const containers: string[] = [];
    const large = 'head -c 3000000 /dev/urandom > large.bin; sha256sum large.bin > sums.txt';
    const thinking = Promise.withResolvers<undefined>();
    const models = scriptedModels((_request, number) => {
      if (number < 2) return [command(`echo ${number} >> steps.txt; ${number === 0 ? large : ''}`)];
      thinking.resolve(undefined);
      return new Promise<never>(() => undefined);
    });
    let saves = 0;
    const saved = Promise.withResolvers<undefined>();
    const watched: AttemptServices = servicesWith(models, {
      read: () => checkpoint.read(),
      write: async (content) => {
        const written = await checkpoint.write(content);
        saves += 1;
        if (saves === 2) saved.resolve(undefined);
        return written;
      },
    });
    const running = fixture.finish(order(), {
      services: watched,
      onCreated: async (id) => {
        containers.push(id);
        return { ok: true, value: undefined };
      },
    });
    await Promise.all([thinking.promise, saved.promise]);
    unwrap(await fixture.engine.kill(containers[0] ?? ''));
    expect((await running).result.ok).toBe(false);
    const seen: ModelRequest[] = [];
    const next = scriptedModels((request, number) => {
      seen.push(request);
      return number === 0 ? [command('echo 2 >> steps.txt; sha256sum -c sums.txt')] : 'three steps';
    });
    const whole = await fixture.finish(order({}, true), { services: servicesWith(next, onDisk()) });
    expect(seen.flatMap((request) => lastAnswers(request)).at(-1)?.text).toContain('large.bin: OK');
    expect(await show(whole, 'steps.txt')).toBe('0\n1\n2');
    expect(seen[0]?.messages.slice(0, 5)).toEqual(models.requests[2]?.messages);
    expect(whole.log).toContain('going on after 2 answers: its changes are back');
  });

  it('ends with the failure of its model in the host’s words, and with no other that is not its own', async () => {
    const error = engineErrors.AC_HOST_DIED({ attempt: 'of the model' });
    const models = scriptedModels(() => ({ type: 'failed', error, retryAfterMs: null }));
    const { result } = await fixture.finish(order(), { services: servicesWith(models) });
    expect(unwrap(result).report).toMatchObject({ outcome: 'failed', error });
  });

  it('is told where the host has no model for it', async () => {
    const { result } = await fixture.finish(order());
    expect(unwrap(result).report.error).toMatchObject({ code: 'AC_WORK_MODEL' });
  });
});
