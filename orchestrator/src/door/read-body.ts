import type { ServerHttp2Stream } from 'node:http2';
import { firstProblem } from '@agentcompany/protocol';
import type { z } from 'zod';
import { jsonProblem } from '../models/sound-json.ts';
import { isTooDeep } from './json-depth.ts';

/** A body that was read and checked, or the HTTP status and words that refuse it. */
export type Body<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly status: number; readonly problem: string };

const refused = (status: number, problem: string) => ({ ok: false, status, problem }) as const;

/** The body of a request; null where it is longer than `maxBytes`. */
export async function readBytes(stream: ServerHttp2Stream, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let total = 0;
  // The stream must outlive the loop: an oversized body is answered, not cut off.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads a JSON body of at most `maxBytes` and checks it: 413 when longer, 400 when it is not what the schema says. */
export async function readBody<Value>(
  stream: ServerHttp2Stream,
  maxBytes: number,
  schema: z.ZodType<Value>,
): Promise<Body<Value>> {
  const bytes = await readBytes(stream, maxBytes);
  if (bytes === null) return refused(413, `the body is longer than ${maxBytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return refused(400, 'the body is not JSON');
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : refused(400, firstProblem(parsed.error));
}

/**
 * The same for what goes on to a model or comes from one: 400 also for text that is not UTF-8, deep nesting, numbers that are none, and
 * halves of characters (S47). Nothing is parsed before it is known not to be deep.
 */
export async function readSoundBody<Value>(
  stream: ServerHttp2Stream,
  maxBytes: number,
  schema: z.ZodType<Value>,
): Promise<Body<Value>> {
  const bytes = await readBytes(stream, maxBytes);
  if (bytes === null) return refused(413, `the body is longer than ${maxBytes} bytes`);
  if (isTooDeep(bytes)) return refused(400, 'it is nested too deeply');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refused(400, 'the body is not JSON');
  }
  const problem = jsonProblem(value);
  if (problem !== null) return refused(400, problem);
  const parsed = schema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : refused(400, firstProblem(parsed.error));
}
