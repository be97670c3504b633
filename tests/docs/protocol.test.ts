import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { doorPaths, envelopeTypes, payloadSchemas, selfReport, workOrder, workReport } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runSettings } from '../../agent-bus/protocol/src/payloads/instruction.ts';
import { effect } from '../../agent-bus/protocol/src/payloads/machinery.ts';
import { codeWords, readPage, root, section, tableRows } from './pages.ts';

const page = 'docs/protocol.md';
const unused = 'not sent in this version';
const rows = ['Instruction', 'Work', 'Judgement', 'Run', 'Machinery'].flatMap((kind) =>
  tableRows(section(page, `### ${kind}`)).map(([type = '', way = '', payload = '']) => ({
    type: codeWords(type)[0] ?? '',
    way,
    payload,
  })),
);

/** Every property name and every fixed value in a JSON schema. */
function namesIn(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(namesIn);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'properties')
      return [...Object.keys(value as object), ...Object.values(value as object).flatMap(namesIn)];
    if (key === 'enum' || key === 'const') return [value].flat().map(String);
    return namesIn(value);
  });
}

/** The sources that run in the product, without tests. */
const productSource = globSync('{agent-bus,orchestrator,tools/cli,worker-image}/**/src/**/*.ts', {
  cwd: root,
  exclude: (path) => /(^|[\\/])(node_modules|dist|testing|payloads|terminal)$|\.test\.ts$/.test(path),
})
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

describe('docs/protocol.md', () => {
  it('lists every envelope type once, in the order of the code, and nothing else', () => {
    expect(rows.map(({ type }) => type)).toEqual(envelopeTypes);
  });

  it.each(rows)('names the payload fields of $type, and none that it does not have', ({ type, payload }) => {
    const schema = payloadSchemas[type as keyof typeof payloadSchemas];
    const words = codeWords(payload);
    expect(Object.keys(schema.shape).filter((field) => !words.includes(field))).toEqual([]);
    const known = new Set(namesIn(z.toJSONSchema(schema, { unrepresentable: 'any' })));
    expect(words.filter((word) => !known.has(word))).toEqual([]);
  });

  it.each(rows)('says of $type truly whether it is sent', ({ type, way }) => {
    const isMade = new RegExp(
      `(\\b(message|record)\\(\\s*|\\b(envelope_)?type: |command\\(context, id, )'${type}'`,
    ).test(productSource);
    expect(isMade).toBe(way !== unused);
  });

  it.each(rows)('says of $type truly to whom it goes, or that it is only on record', ({ type, way }) => {
    const recipients = [...productSource.matchAll(new RegExp(`\\bmessage\\(\\s*'${type}',\\s*'(\\w+)'`, 'g'))].map(
      ([, to]) => to,
    );
    expect(recipients.filter((recipient) => !way.includes(`-> ${recipient}`))).toEqual([]);
    if (new RegExp(`\\brecord\\(\\s*'${type}'`).test(productSource)) expect(way).toContain('on record');
    else if (recipients.length > 0) expect(way).not.toContain('on record');
  });

  it('names everything a run is promised', () => {
    const words = codeWords(rows.find(({ type }) => type === 'task_submit')?.payload ?? '');
    expect(Object.keys(runSettings.shape).filter((field) => !words.includes(field))).toEqual([]);
  });

  it('lists the kinds of effects', () => {
    const kinds = tableRows(section(page, '### Effects')).map(([kind = '']) => codeWords(kind)[0]);
    expect(kinds).toEqual(effect.options.map((option) => option.shape.kind.value));
  });

  it('lists the routes of the door', () => {
    const routes = tableRows(section(page, "## The worker's door")).map(
      ([route = '']) => codeWords(route)[0]?.split(' ')[1],
    );
    expect(new Set(routes)).toEqual(new Set(Object.values(doorPaths)));
    expect(routes).toHaveLength(Object.keys(doorPaths).length);
  });

  it('names every field that goes through the door', () => {
    const words = codeWords(section(page, "## The worker's door"));
    const fields = [
      ...namesIn(z.toJSONSchema(workOrder.options[0])).filter((name) => name in workOrder.options[0].shape),
      ...Object.keys(selfReport.shape),
      ...Object.keys(workReport.shape),
    ];
    expect([...new Set(fields)].filter((field) => !words.includes(field))).toEqual([]);
  });

  it('shows an example that is valid', async () => {
    const { parseEnvelope } = await import('@agentcompany/protocol');
    const example = /```json\n([\s\S]*?)```/.exec(readPage(page))?.[1] ?? '';
    expect(parseEnvelope(JSON.parse(example)).ok).toBe(true);
  });
});
