import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { makeFolder } from './company-home.ts';
import { modelEventSchema } from './contract/host-models.ts';
import { writeFileDurably } from './durable-file.ts';
import { orchestratorErrors as errors } from './errors.ts';
import type { Exchange, ExchangeKey, ExchangeStore } from './models/exchange-store.ts';
import { providerNames, type ModelEvent, type ModelRequest } from './models/model.ts';
import { redactSecrets } from './redact-secrets.ts';

export interface ExchangeFilesOptions {
  /** Absolute; made with the first exchange. */
  readonly folder: string;
  /** Values that must never lie in a file, such as keys of providers. */
  readonly secrets: readonly string[];
}

/** Bytes beyond which a file is none of ours: a request of 16 MiB in full escapes, and its answer. */
const maximumBytes = 128 * 1024 * 1024;

const exchangeFile = z.object({
  version: z.literal(1),
  scope: z.string(),
  digest: z.string(),
  occurrence: z.int().nonnegative(),
  provider: z.enum(providerNames),
  model: z.string(),
  cost_usd: z.number().nonnegative().nullable(),
  /** For people and for replay; nothing is decided by it. */
  request: z.record(z.string(), z.unknown()),
  events: z
    .array(modelEventSchema)
    .refine((events) => events.at(-1)?.type === 'end' && !events.some(({ type }) => type === 'failed')),
});

/**
 * Exchanges as files, one each, whose name is the digest of its key. Written in one durable step and without secrets. What cannot
 * be read as the exchange of its key, torn or forged, is not there. Error: `AC_EXCHANGE_FILES`.
 */
export function openExchangeFiles({ folder, secrets }: ExchangeFilesOptions): ExchangeStore {
  return {
    find: (key) => find(join(folder, fileName(key)), key),
    keep: (key, exchange) => keep(folder, key, exchange, secrets),
  };
}

function fileName({ scope, digest, occurrence }: ExchangeKey): string {
  const name = JSON.stringify([scope, digest, occurrence]);
  return `${createHash('sha256').update(name).digest('hex')}.json`;
}

async function find(file: string, key: ExchangeKey): Promise<Result<Exchange | null>> {
  let text: string;
  try {
    if ((await stat(file)).size > maximumBytes) return success(null);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return isAbsent ? success(null) : failure(errors.AC_EXCHANGE_FILES({ file }, cause));
  }
  const parsed = exchangeFile.safeParse(parse(text));
  if (!parsed.success) return success(null);
  const { scope, digest, occurrence, provider, model, cost_usd, request, events } = parsed.data;
  const isIts = scope === key.scope && digest === key.digest && occurrence === key.occurrence;
  if (!isIts) return success(null);
  return success({
    provider,
    model,
    cost_usd,
    request: request as unknown as ModelRequest,
    events: events as readonly ModelEvent[],
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function keep(
  folder: string,
  key: ExchangeKey,
  { provider, model, cost_usd, request, events }: Exchange,
  secrets: readonly string[],
): Promise<Result<undefined>> {
  const file = join(folder, fileName(key));
  const said = redactSecrets({ request, events }, secrets);
  try {
    makeFolder(folder, 0o700);
    await writeFileDurably(file, `${JSON.stringify({ version: 1, ...key, provider, model, cost_usd, ...said })}\n`);
    return success();
  } catch (cause) {
    return failure(errors.AC_EXCHANGE_FILES({ file }, cause));
  }
}
