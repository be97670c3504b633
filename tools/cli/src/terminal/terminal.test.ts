import type { StreamEntry } from '@agentcompany/orchestrator';
import { envelopeTypes, type EnvelopeType } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { sketchRun, sketchTask } from '../testing/fake-company.ts';
import { cleanJson, cleanLine, cleanText, fit } from './clean-text.ts';
import { statusLines, terminalView } from './live-view.ts';
import { createStyle } from './style.ts';
import { renderTable } from './table.ts';
import { timelineLine } from './timeline-line.ts';

const plain = createStyle(false);

function entry(envelope_type: EnvelopeType, payload: Record<string, unknown>, task_id?: string): StreamEntry {
  const context = { run_id: 'r', ...(task_id === undefined ? {} : { task_id }) };
  const envelope = {
    version: '1' as const,
    id: '0198c5f2-0000-7000-8000-000000000001',
    sender: 'engine',
    recipient: 'engine',
    envelope_type,
    payload,
    context,
    inReplyTo: null,
    created_at: '2026-11-20T12:00:00.000Z',
  };
  return { stream: 'r', seq: 1, position: 1, envelope };
}

describe('cleanText', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007after', 'after'],
    ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['a\u0008\u0000\u007f\u009bb', 'ab'],
    ['right\u202eleft\u2066\u200b', 'rightleft'],
    ['one\r\ntwo\tthree\rfour', 'one\ntwo\tthreefour'],
  ])('%j becomes %j', (given, expected) => {
    expect(cleanText(given)).toBe(expected);
    expect(cleanText(given)).not.toMatch(/(?![\t\n])\p{Cc}/u);
  });

  it('makes one line and fits it', () => {
    expect(cleanLine(' a\n\tb ')).toBe('a b');
    expect([fit('abcdef', 6), fit('abcdef', 4), fit('äöü😀x', 4), fit('a', 0)]).toEqual(['abcdef', 'abc…', 'äöü…', '']);
  });
});

describe('timelineLine', () => {
  it('fits the width and cleans what workers say', () => {
    const line =
      timelineLine(
        entry('task_progress', { message: `\u001b[2J${'long '.repeat(50)}` }, 'a-task-with-a-very-long-name'),
        plain,
        80,
      ) ?? '';
    expect(line.length).toBeLessThanOrEqual(80);
    expect(line).not.toContain('\u001b');
    expect(line).toContain('a-task-with-a-ver…');
  });

  it('takes any payload of any type without failing', () => {
    for (const type of envelopeTypes)
      for (const payload of [{}, { error: 7, findings: 'x', plan: null, outcome: [], feedback: 3 }])
        expect(() => timelineLine(entry(type, payload), plain, 80)).not.toThrow();
  });

  it.each([
    [
      'review_response',
      { verdict: 'request_changes', reviewer: 'rules', findings: [{ path: 'a.ts', message: 'marker' }] },
      'review by rules: request changes - a.ts - marker',
    ],
    ['merge_complete', { outcome: 'conflict', conflicts: ['a.ts', 'b.ts'] }, 'conflict in a.ts, b.ts'],
    ['verify_result', { outcome: 'red', oid: 'abcdef0123456789', error: null }, 'checks on abcdef0123: red'],
    [
      'effect_result',
      { kind: 'pull_request', outcome: { kind: 'pull_request', pull_request: { number: 2, url: 'u' } }, error: null },
      'pull request #2 opened - u',
    ],
    ['task_failed', { error: { code: 'AC_X', message: 'why' } }, 'attempt failed - AC_X: why'],
    ['approval_request', { summary: 'the plan' }, 'needs your approval: the plan'],
    ['task_plan', { plan: { tasks: [{}], title: 'One' } }, 'plan of 1 task - One'],
    ['task_retry', { feedback: { reason: 'failed', message: 'AC_X: why' } }, 'sent back with what went wrong'],
    ['run_state', { to: 'failed', reason: 'x', error: { code: 'AC_X', message: 'why' } }, 'failed - AC_X: why'],
  ] as const)('%s', (type, payload, text) => {
    expect(timelineLine(entry(type, { ...payload }), plain, 120)).toContain(text);
  });

  it('stays silent on machinery', () => {
    for (const type of ['timer_due', 'effect_request', 'budget_grant', 'ping'] as const)
      expect(timelineLine(entry(type, {}), plain, 80)).toBe(null);
    for (const to of ['ready', 'approved'])
      expect(timelineLine(entry('task_state', { to, reason: 'x' }), plain, 80)).toBe(null);
  });
});

describe('the live view', () => {
  it('shows at most eight tasks under way, within the width', () => {
    const run = sketchRun({
      run_id: '0198c5f2-0000',
      tasks: { running: 9, merged: 1 },
      task_list: [
        sketchTask('done', 'merged'),
        ...Array.from({ length: 9 }, (_, index) => sketchTask(`task-${index}`, 'running', { title: 't'.repeat(200) })),
      ],
    });
    const lines = statusLines(run, plain, 79);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('0198c5f2-0000 running: 9 running, 1 merged');
    expect(lines.at(-1)).toBe('  and 1 more');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(79);
  });

  it('gets out of the way of talk, which comes by another way to the same terminal', () => {
    let written = '';
    const view = terminalView({ write: (text) => void (written += text), isTerminal: true, columns: 80 }, plain);
    view.show(sketchRun({ run_id: 'r', tasks: { running: 1 } }));
    view.aside(() => (written += 'Stopping.\n'));
    expect(written).toBe('r running: 1 running\n\r\u001b[1A\u001b[0JStopping.\nr running: 1 running\n');
  });

  it('puts lines above the block, redraws only what changed, and leaves nothing', () => {
    let written = '';
    const view = terminalView({ write: (text) => void (written += text), isTerminal: true, columns: 80 }, plain);
    const run = sketchRun({ run_id: 'r', tasks: { running: 1 } });
    view.show(run);
    view.show(run);
    view.line('an event');
    view.end();
    expect(written).toBe(
      'r running: 1 running\n\r\u001b[1A\u001b[0Jan event\nr running: 1 running\n\r\u001b[1A\u001b[0J',
    );
  });
});

describe('renderTable', () => {
  it('cuts nothing where there is no width: a pipe, a file', () => {
    const columns = [
      { title: 'A', value: (row: string) => row },
      { title: 'B', value: (row: string) => row.repeat(100), elastic: true },
    ];
    expect(renderTable(['ab', 'c'], columns, Number.POSITIVE_INFINITY)).toEqual([
      'A   B',
      `ab  ${'ab'.repeat(100)}`,
      `c   ${'c'.repeat(100)}`,
    ]);
  });

  it('gives one column what is left and cuts it', () => {
    const lines = renderTable(
      [{ a: 'x'.repeat(50), b: 'y'.repeat(200) }],
      [
        { title: 'A', value: (row) => row.a },
        { title: 'B', value: (row) => row.b, elastic: true },
      ],
      80,
    );
    expect(lines.map((line) => line.length)).toEqual([53, 80]);
    expect(lines[1]).toMatch(/^x{50} {2}y{27}…$/);
  });
});

describe('JSON on a terminal', () => {
  it('means the same, and nothing in it acts on the terminal', () => {
    const value = { text: 'a\u001b[2J\u009b2J\u202eb\u2028\u{e0041}c\td \u00e9 \u6f22 \u{1f600}' };
    const json = cleanJson(JSON.stringify(value));
    expect(JSON.parse(json)).toEqual(value);
    expect(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(json)).toBe(false);
    expect(json).toContain('\u00e9 \u6f22 \u{1f600}');
  });
});
