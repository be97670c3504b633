import { newId, type EnvelopeType } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { createStyle } from '../terminal/style.ts';
import { DemoTimeline, timelineText } from './demo-timeline.ts';

type Entry = Parameters<DemoTimeline['add']>[0];

const begin = Date.parse('2026-11-20T12:00:00.000Z');
let seq = 0;

function entry(
  type: EnvelopeType,
  seconds: number,
  payload: Record<string, unknown>,
  context: Entry['envelope']['context'] = {},
): Entry {
  seq += 1;
  const envelope = {
    version: '1' as const,
    id: newId(),
    sender: 'workers',
    recipient: 'engine',
    envelope_type: type,
    payload,
    context: { run_id: 'run', ...context },
    inReplyTo: null,
    created_at: new Date(begin + seconds * 1000).toISOString(),
  };
  return { position: seq, stream: 'run', seq, envelope };
}

const plain = createStyle(false);

describe('the timeline of the demo', () => {
  it('says when, in which slot, of which task, what happened', () => {
    const timeline = new DemoTimeline();
    timeline.add(entry('task_submit', 0, {}));
    const about = { task_id: 'doc-link', attempt_id: 'attempt-1' };
    timeline.add(entry('attempt_started', 1, { attempt_id: 'attempt-1', slot: 'worker-002', round: 1 }, about));
    timeline.add(
      entry('merge_complete', 2.25, { attempt_id: 'attempt-1', outcome: 'conflict', conflicts: ['README.md'] }, about),
    );
    expect(timeline.events.map((event) => timelineText(event, plain, 80))).toEqual([
      '  +0.0s              run                  instruction accepted',
      '  +1.0s  worker-002  doc-link             container starts',
      '  +2.3s  worker-002  doc-link             conflict in README.md',
    ]);
  });

  it('keeps to its width and shows no control character of what a worker or a package wrote', () => {
    const timeline = new DemoTimeline();
    const hostile = `\u001b[2J\u001b]0;title\u0007\u202e${'README'.repeat(40)}\nnext`;
    const event = timeline.add(
      entry('merge_complete', 123, { outcome: 'conflict', conflicts: [hostile] }, { task_id: hostile }),
    );
    const line = event === null ? '' : timelineText(event, plain, 80);
    expect([...line].length).toBeLessThanOrEqual(80);
    expect(line).toMatch(/^[\x20-\x7e…]+$/);
  });

  it('leaves machinery out', () => {
    const timeline = new DemoTimeline();
    expect(timeline.add(entry('effect_request', 0, { effect: { kind: 'ingest' } }))).toBeNull();
    expect(timeline.add(entry('task_state', 0, { to: 'ready', reason: 'x', error: null }))).toBeNull();
    expect(timeline.events).toEqual([]);
  });
});
