import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Outcome, Side } from './measurement.ts';
import { outcomeLine, writeBlock } from './report.ts';

const send: Side = {
  row: 'P1a',
  name: 'a bus, send',
  durability: 'power loss: WAL',
  target: { bound: 'at least', ratio: 0.7 },
};

function outcome(fields: Partial<Outcome> = {}): Outcome {
  const floor = { name: 'one record', durability: 'power loss' };
  const figures = { oursFigure: 3000.4, floorFigure: 4000, ratio: 0.75, spread: [0.5, 0.9] as const };
  return { side: send, floor, unit: '/s', rounds: 7, ...figures, ...fields };
}

describe('the line of an outcome', () => {
  it('shows both figures, their ratio, the target and what is durable', () => {
    expect(outcomeLine(outcome())).toBe(
      'P1a  a bus, send [power loss: WAL] / one record [power loss]: 3000/s / 4000/s = 0.75, target >= 0.7',
    );
  });

  it('says what is missed: too slow a rate, too long a time', () => {
    const slow = { name: 'start', row: 'P7', durability: null, target: { bound: 'at most', ratio: 1.35 } } as const;
    expect(outcomeLine(outcome({ ratio: 0.69 }))).toMatch(/= 0\.69, target >= 0\.7 {2}\(missed\)$/);
    expect(outcomeLine(outcome({ side: slow, unit: 'ms', ratio: 1.36 }))).toMatch(/target <= 1\.35 {2}\(missed\)$/);
    expect(outcomeLine(outcome({ side: slow, unit: 'ms', ratio: 0.5 }))).not.toContain('missed');
  });

  it('shows a peer without a verdict', () => {
    const peer = outcome({ side: { ...send, target: null }, ratio: 0.1 });
    expect(outcomeLine(peer)).toMatch(/= 0\.10, for comparison$/);
  });

  it('shows short times with the digits they need', () => {
    const line = outcomeLine(outcome({ unit: 'ms', oursFigure: 0.1384, floorFigure: 1.26 }));
    expect(line).toContain('0.138 ms / 1.3 ms');
  });
});

describe('the block of a group in the page', () => {
  it('replaces what stood between its markers and leaves the rest', () => {
    const folder = mkdtempSync(join(tmpdir(), 'agentcompany-report-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const page = join(folder, 'page.md');
    writeFileSync(page, 'before\n<!-- measured: bus -->\nold\n<!-- /measured: bus -->\nafter\n');
    const outcomes = [outcome(), outcome({ ratio: 0.6 }), outcome({ side: { ...send, target: null } })];
    expect(writeBlock(page, 'bus', [{ outcomes, notes: ['a note'] }], '2026-01-02')).toBe(true);
    const lines = readFileSync(page, 'utf8').split('\n');
    expect([lines.slice(0, 2), lines.slice(-3)]).toEqual([
      ['before', '<!-- measured: bus -->'],
      ['<!-- /measured: bus -->', 'after', ''],
    ]);
    expect(lines.filter((line) => line.startsWith('| P1a'))).toEqual([
      '| P1a | a bus, send [power loss: WAL] | one record [power loss] | 3000/s | 4000/s | **0.75** (0.50 to 0.90) | ≥ 0.7 | yes | 7 |',
      '| P1a | a bus, send [power loss: WAL] | one record [power loss] | 3000/s | 4000/s | **0.60** (0.50 to 0.90) | ≥ 0.7 | **no** | 7 |',
      '| P1a | a bus, send [power loss: WAL] | one record [power loss] | 3000/s | 4000/s | 0.75 (0.50 to 0.90) |  |  | 7 |',
    ]);
    expect(lines).toContain('- a note');
    expect(lines).not.toContain('old');
  });

  it('leaves a page without its markers alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'agentcompany-report-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const page = join(folder, 'page.md');
    writeFileSync(page, 'nothing here\n');
    expect(writeBlock(page, 'bus', [], '2026-01-02')).toBe(false);
    expect(readFileSync(page, 'utf8')).toBe('nothing here\n');
  });
});
