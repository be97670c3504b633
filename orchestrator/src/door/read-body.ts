import type { ServerHttp2Stream } from 'node:http2';
import { firstProblem } from '@agentcompany/protocol';
import type { z } from 'zod';

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
