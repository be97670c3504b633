import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentFolders, loadAgents, type AgentFolders } from './load-agents.ts';
import { readDefinition } from './read-definition.ts';

const checkout = join(import.meta.dirname, '../../..');
let folder: string;
let folders: AgentFolders & { readonly own: string };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agents-'));
  folders = { shipped: join(folder, 'shipped'), own: join(folder, 'own') };
  for (const place of [folders.shipped, folders.own]) mkdirSync(place);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function define(name: string, text: string | Uint8Array, place = folders.own): string {
  const file = join(place, name);
  writeFileSync(file, text);
  return file;
}

describe('a definition', () => {
  it('W7 C27 without values has temperature 0.7, 4000 tokens, 30 seconds for a call and 30 turns', () => {
    expect(unwrap(readDefinition(define('helper.yaml', 'role: worker\n')))).toEqual({
      name: 'helper',
      role: 'worker',
      description: '',
      runtime: 'builtin',
      model: null,
      tools: null,
      personality: '',
      prompt: '',
      temperature: 0.7,
      max_tokens: 4000,
      timeout: 30,
      max_turns: 30,
    });
  });

  it('has the values that stand there', () => {
    const text =
      'name: helper\nrole: worker\nmodel: claude\ntools: [read_file]\ntemperature: 0\nprompt: |\n  One.\n\n  Two.\n';
    expect(unwrap(readDefinition(define('helper.yaml', text)))).toMatchObject({
      model: 'claude',
      tools: ['read_file'],
      temperature: 0,
      prompt: 'One.\n\nTwo.\n',
    });
  });

  it.each<[string, string, string, number]>([
    ['helper.yaml', 'role: worker\ntemprature: 1\n', 'temprature: unknown field', 2],
    ['helper.yaml', 'role: worker\ntemperature: 3\n', 'temperature: ', 2],
    ['helper.yaml', 'role: worker\nprompt: x\nmax_tokens: 1.5\n', 'max_tokens: ', 3],
    ['helper.yaml', 'role: worker\ntimeout: 0\n', 'timeout: ', 2],
    ['helper.yaml', 'role: worker\ntools: [read_file, 5]\n', 'tools.1: ', 2],
    ['helper.yaml', 'role: president\n', 'role: ', 1],
    ['helper.yaml', 'prompt: x\n', 'role: ', 1],
    ['helper.yaml', 'role: worker\nname: other\n', 'name: the file is called helper', 2],
    ['helper.yaml', 'role: worker\nrole: worker\n', 'unique', 2],
    ['helper.yaml', 'role: worker\nprompt: "x\n', 'quote', 3],
    ['helper.yaml', '- role\n', 'fields with values', 1],
    ['Helper.yaml', 'role: worker\n', 'name: ', 1],
    ['command.yaml', '# the reserved name\nrole: worker\n', 'name: command is the agent', 2],
    ['manager.yaml', 'role: worker\n', 'role: manager has the role of its name', 1],
    ['helper.yaml', 'prompt: x\nrole: reviewer\n', 'role: only the agent called reviewer', 2],
    ['reviewer.yaml', 'role: reviewer\nruntime: codex\n', 'runtime: only a worker', 2],
    ['manager.yaml', 'role: manager\ntools: []\n', 'tools: only a worker', 2],
  ])('%s with %j is refused with field and line', (name, text, problem, line) => {
    const file = define(name, text);
    const read = readDefinition(file);
    if (read.ok) throw new Error('was accepted');
    expect(read.error).toMatchObject({ code: 'AC_AGENT_INVALID', retry: 'never' });
    expect(read.error.message).toContain(problem);
    expect(read.error.message).toContain(`(${file}:${line})`);
  });

  it('is refused where it cannot be read', () => {
    const unreadable = { ok: false, error: { code: 'AC_AGENT_UNREADABLE' } };
    expect(readDefinition(join(folder, 'absent.yaml'))).toMatchObject(unreadable);
    expect(readDefinition(define('helper.yaml', Uint8Array.of(0x72, 0xff, 0xfe)))).toMatchObject(unreadable);
    expect(readDefinition(define('helper.yaml', `# ${'x'.repeat(256 * 1024)}\nrole: worker\n`))).toMatchObject(
      unreadable,
    );
    mkdirSync(join(folder, 'folder.yaml'));
    expect(readDefinition(join(folder, 'folder.yaml'))).toMatchObject(unreadable);
  });
});

describe('the agents of a company', () => {
  it('are the shipped ones and its own, which stand before them', () => {
    define('coder.yaml', 'role: worker\ndescription: shipped\n', folders.shipped);
    define('tester.yaml', 'role: worker\n', folders.shipped);
    define('coder.yaml', 'role: worker\ndescription: own\n');
    define('README.md', 'Not an agent.');
    define('.coder.yaml.swp', 'Not an agent either.');
    const agents = unwrap(loadAgents(folders));
    expect(agents.map(({ definition, origin }) => [definition.name, origin, definition.description])).toEqual([
      ['coder', 'company', 'own'],
      ['tester', 'shipped', ''],
    ]);
  });

  it.each(['broken.yaml', 'other.yml', 'other.json', 'other.YAML'])(
    'are refused with a file %s, which nobody asked for',
    (name) => {
      define('coder.yaml', 'role: worker\n');
      const file = define(name, 'rolle: worker\n');
      expect(loadAgents(folders)).toMatchObject({
        ok: false,
        error: { code: 'AC_AGENT_INVALID', message: expect.stringContaining(file) },
      });
    },
  );

  it('are none where there are no folders, and read once where both are the same', () => {
    expect(unwrap(loadAgents(agentFolders(join(folder, 'absent'), join(folder, 'nothing'))))).toEqual([]);
    define('coder.yaml', 'role: worker\n', folders.shipped);
    symlinkSync(folders.shipped, join(folder, 'link'));
    const [agent] = unwrap(loadAgents({ shipped: folders.shipped, own: join(folder, 'link') }));
    expect(agent?.origin).toBe('shipped');
  });

  it('that are shipped can all be used, and say what they are for', () => {
    const agents = unwrap(loadAgents(agentFolders(checkout, null)));
    expect(agents.map(({ definition: { name, runtime } }) => `${name} ${runtime}`)).toEqual([
      'claude-code claude-code',
      'coder builtin',
      'codex codex',
      'documenter builtin',
      'gemini-cli gemini-cli',
      'manager builtin',
      'opencode opencode',
      'reviewer builtin',
      'test-writer builtin',
    ]);
    const vague = agents.filter(({ definition }) => definition.description === '' || definition.prompt.length < 200);
    expect(vague).toEqual([]);
  });
});
