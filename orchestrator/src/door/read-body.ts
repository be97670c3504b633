import type { ServerHttp2Stream } from 'node:http2';
import { firstProblem } from '@agentcompany/protocol';
import type { z } from 'zod';
import { jsonProblem } from '../models/sound-json.ts';
import { extentProblem } from './json-extent.ts';

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

/**
 * Reads a JSON body of at most `maxBytes` and checks it: 413 when longer, 400 when it has too many values or levels (S47: nothing is
 * parsed before that is known) or is not what the schema says.
 */
export function readBody<Value>(
  stream: ServerHttp2Stream,
  maxBytes: number,
  schema: z.ZodType<Value>,
): Promise<Body<Value>> {
  return readJson(stream, maxBytes, schema, (bytes) => ({ ok: true, value: JSON.parse(bytes.toString('utf8')) }));
}

/**
 * The same for what goes on to a model or comes from one: 400 also for text that is not UTF-8, numbers that are none, and halves of
 * characters (S47).
 */
export function readSoundBody<Value>(
  stream: ServerHttp2Stream,
  maxBytes: number,
  schema: z.ZodType<Value>,
): Promise<Body<Value>> {
  return readJson(stream, maxBytes, schema, (bytes) => {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const problem = jsonProblem(value);
    return problem === null ? { ok: true, value } : refused(400, problem);
  });
}

/** `parse` throws where the bytes are not JSON. */
async function readJson<Value>(
  stream: ServerHttp2Stream,
  maxBytes: number,
  schema: z.ZodType<Value>,
  parse: (bytes: Buffer) => Body<unknown>,
): Promise<Body<Value>> {
  const bytes = await readBytes(stream, maxBytes);
  if (bytes === null) return refused(413, `the body is longer than ${maxBytes} bytes`);
  const problem = extentProblem(bytes);
  if (problem !== null) return refused(400, problem);
  let body: Body<unknown>;
  try {
    body = parse(bytes);
  } catch {
    return refused(400, 'the body is not JSON');
  }
  if (!body.ok) return body;
  const parsed = schema.safeParse(body.value);
  return parsed.success ? { ok: true, value: parsed.data } : refused(400, firstProblem(parsed.error));
}
