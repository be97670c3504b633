import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { loadPlanFile, type PlanStaff } from './plan-file.ts';
import { planFileSchema, planJsonSchema } from './plan-file-schema.ts';

const docs = path.join(import.meta.dirname, '../../../docs');

function write(text: string, name = 'plan.yaml'): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'plan-')), name);
  writeFileSync(file, text);
  return file;
}

function refusal(file: string, staff?: PlanStaff): { readonly code: string; readonly message: string } {
  const result = loadPlanFile(file, staff);
  if (result.ok) throw new Error('was accepted');
  return result.error;
}

const good = 'title: t\ntasks:\n  - id: a\n    title: A\n    run: {command: "true"}\n';

describe('loadPlanFile', () => {
  it.each([
    ['', /: it is empty \([^:]+\)$/],
    ['# nothing yet\n', /: it is empty \([^:]+\)$/],
    // The place stands once, with the name of the file.
    ['title: [t\ntasks: 1\n', /^(?!.* at line ).*\.yaml:2\)$/],
  ])('says of %j what is wrong with it', (text, message) => {
    expect(refusal(write(text)).message).toMatch(message);
  });

  it('reads the documented example and puts its script into the plan', () => {
    const plan = unwrap(loadPlanFile(path.join(docs, 'examples/plan.yaml')));
    expect(plan.tasks.map((task) => task.id)).toEqual(['license-field', 'license-badge', 'license-check']);
    const script = readFileSync(path.join(docs, 'examples/scripts/add-license-field.mjs'), 'utf8');
    expect(plan.tasks[0]?.run).toEqual({ script, interpreter: 'node' });
  });

  it('reads JSON, tabs and all', () => {
    const file = write(
      JSON.stringify({ title: 't', tasks: [{ id: 'a', title: 'A', run: { command: 'true' } }] }, null, '\t'),
      'plan.json',
    );
    expect(unwrap(loadPlanFile(file)).tasks).toHaveLength(1);
  });

  it.each([
    [good.replace('command: "true"', 'command: 5'), 'AC_PLAN_INVALID', 'tasks.0.run.command', 5],
    [good.replace('title: A', 'titel: A'), 'AC_PLAN_INVALID', 'tasks.0.titel: unknown field', 4],
    [`${good}    paths: [/etc]\n`, 'AC_PLAN_INVALID', 'tasks.0.paths.0', 6],
    [`${good}    depends_on: [b]\n`, 'AC_PLAN_UNKNOWN_DEPENDENCY', 'depends on b', 6],
    [`${good}    depends_on:\n      - a\n`, 'AC_PLAN_CYCLE', 'a -> a', 6],
    [`${good}  - id: a\n    title: B\n    run: {command: x}\n`, 'AC_PLAN_DUPLICATE_TASK', 'the id a', 6],
    ['title: t\ntasks: []\n', 'AC_PLAN_EMPTY', 'no tasks', 2],
    ['title: t\ntitle: u\n', 'AC_PLAN_INVALID', 'unique', 2],
    ['title: "t\n', 'AC_PLAN_INVALID', 'quote', 2],
  ])('names field and line of %j', (text, code, part, line) => {
    const error = refusal(write(text));
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.message).toMatch(new RegExp(`plan\\.yaml:${line}\\)$`));
  });

  it('refuses aliases that multiply, deep nesting, and files too large', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(', ')}]`,
    );
    expect(refusal(write(`l0: &l0 [x]\n${levels.join('\n')}\n`))).toMatchObject({
      code: 'AC_PLAN_INVALID',
      message: expect.stringContaining('alias'),
    });
    expect(refusal(write('['.repeat(20_000)))).toMatchObject({ code: 'AC_PLAN_INVALID' });
    expect(refusal(write(`# ${'x'.repeat(4 * 1024 * 1024)}\n${good}`))).toMatchObject({ code: 'AC_PLAN_TOO_LARGE' });
  });

  it('refuses what cannot be read', () => {
    expect(refusal('/absent/plan.yaml').code).toBe('AC_PLAN_UNREADABLE');
    expect(refusal(tmpdir()).code).toBe('AC_PLAN_UNREADABLE');
    const file = write('');
    writeFileSync(file, Buffer.from([0x74, 0xff, 0xfe]));
    expect(refusal(file).code).toBe('AC_PLAN_UNREADABLE');
  });
});

describe('the agents of a plan file', () => {
  const staff = { names: ['coder', 'tester'], ordinary: 'tester' };
  const inWords = 'title: t\ntasks:\n  - id: a\n    title: A\n    instructions: Do it.\n';

  it('are looked up, with the line and the nearest name', () => {
    const error = refusal(write(`${inWords}    agent: codr\n`), staff);
    expect(error.code).toBe('AC_AGENT_UNKNOWN');
    expect(error.message).toMatch(/codr, did you mean coder\? \(.*plan\.yaml:6\)$/);
  });

  it('get the tasks that name nobody and nothing to run', () => {
    const plan = unwrap(
      loadPlanFile(write(`${inWords}${good.split('tasks:\n')[1]?.replace('id: a', 'id: b')}`), staff),
    );
    expect(plan.tasks.map(({ agent }) => agent)).toEqual(['tester', 'command']);
    expect(unwrap(loadPlanFile(write(`${inWords}    agent: coder\n`), staff)).tasks[0]?.agent).toBe('coder');
  });

  it('are told in words', () => {
    expect(refusal(write(inWords.replace('Do it.', '" "')), staff)).toMatchObject({
      code: 'AC_PLAN_INVALID',
      message: expect.stringContaining('tasks.0.instructions'),
    });
  });
});

describe('script_file', () => {
  function withScript(script: string, extra = ''): string {
    return write(good.replace('{command: "true"}', `{script_file: ${script}${extra}}`));
  }

  it('takes a file in a folder below, and the interpreter that is named', () => {
    const file = withScript('sub/x.txt', ', interpreter: sh');
    mkdirSync(path.join(path.dirname(file), 'sub'));
    writeFileSync(path.join(path.dirname(file), 'sub/x.txt'), 'echo é\n');
    expect(unwrap(loadPlanFile(file)).tasks[0]?.run).toEqual({ script: 'echo é\n', interpreter: 'sh' });
  });

  it('refuses a way out, also through a link, and names the line', () => {
    const outside = write('secret', 'key.sh');
    const linked = withScript('link.sh');
    symlinkSync(outside, path.join(path.dirname(linked), 'link.sh'));
    for (const file of [
      withScript(outside),
      withScript(path.join('..', path.basename(path.dirname(outside)), 'key.sh')),
      linked,
    ]) {
      expect(refusal(file)).toMatchObject({
        code: 'AC_PLAN_SCRIPT_REFUSED',
        message: expect.stringMatching(/lies outside.*plan\.yaml:5\)$/),
      });
    }
  });

  it('refuses a missing file, a name that tells no interpreter, and more than 1 MiB', () => {
    expect(refusal(withScript('absent.sh')).code).toBe('AC_PLAN_SCRIPT_REFUSED');
    const file = withScript('tool.pl');
    writeFileSync(path.join(path.dirname(file), 'tool.pl'), 'x');
    expect(refusal(file).message).toContain('interpreter');
    const large = withScript('large.sh');
    writeFileSync(path.join(path.dirname(large), 'large.sh'), 'x'.repeat(1024 * 1024 + 1));
    expect(refusal(large).code).toBe('AC_PLAN_TOO_LARGE');
  });
});

describe('the schema for editors', () => {
  it('is current: else run node --conditions=development scripts/write-plan-schema.ts', () => {
    expect(JSON.parse(readFileSync(path.join(docs, 'plan.schema.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(planJsonSchema())),
    );
  });

  it('docs/plan-files.md names every field', () => {
    const page = readFileSync(path.join(docs, 'plan-files.md'), 'utf8');
    const fields = [...Object.keys(planFileSchema.shape), ...Object.keys(planFileSchema.shape.tasks.element.shape)];
    expect(fields.filter((field) => !page.includes(`| \`${field}\` |`))).toEqual([]);
  });
});
