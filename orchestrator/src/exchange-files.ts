import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import { makeFolder } from './company-home.ts';
import { modelEventSchema } from './contract/host-models.ts';
import { writeFileDurably } from './durable-file.ts';
import { orchestratorErrors as errors } from './errors.ts';
import type { Exchange, ExchangeKey, ExchangeStore, RecordedExchange } from './models/exchange-store.ts';
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
  /** A version before this one did not write it down. */
  asked: z.string().nullable().default(null),
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
    find: async (key) => {
      const found = await find(join(folder, fileName(key)), key);
      return found.ok && found.value === null ? findOlder(folder, key) : found;
    },
    keep: (key, exchange) => keep(folder, key, exchange, secrets),
  };
}

/**
 * All exchanges in a folder, by scope and occurrence; none where there is no folder. What is no exchange is passed over, as `find` does.
 * Error: `AC_EXCHANGE_FILES`.
 */
export async function readExchanges(folder: string): Promise<Result<readonly RecordedExchange[]>> {
  try {
    const found: RecordedExchange[] = [];
    for (const name of (await readdir(folder)).filter((file) => /^[0-9a-f]{64}\.json$/.test(file))) {
      const file = join(folder, name);
      if ((await stat(file)).size > maximumBytes) continue;
      const parsed = exchangeFile.safeParse(parse(await readFile(file, 'utf8')));
      if (parsed.success && fileName(parsed.data) === name)
        found.push({ key: parsed.data, exchange: toExchange(parsed.data) });
    }
    return success(found.toSorted(({ key: left }, { key: right }) => compareKeys(left, right)));
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return isAbsent ? success([]) : failure(errors.AC_EXCHANGE_FILES({ file: folder }, cause));
  }
}

function compareKeys(left: ExchangeKey, right: ExchangeKey): number {
  if (left.scope !== right.scope) return left.scope < right.scope ? -1 : 1;
  return left.occurrence - right.occurrence;
}

function toExchange({ provider, model, cost_usd, request, events }: z.infer<typeof exchangeFile>): Exchange {
  return {
    provider,
    model,
    cost_usd,
    request: request as unknown as ModelRequest,
    events: events as readonly ModelEvent[],
  };
}

function fileName({ scope, digest, occurrence, asked }: ExchangeKey): string {
  const name = JSON.stringify(asked === null ? [scope, digest, occurrence] : [scope, digest, occurrence, asked]);
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
  return success(fileName(parsed.data) === fileName(key) ? toExchange(parsed.data) : null);
}

/** An exchange of which it is not on record who was asked counts where that very model answered. */
async function findOlder(folder: string, key: ExchangeKey): Promise<Result<Exchange | null>> {
  const older = { ...key, asked: null };
  const found = await find(join(folder, fileName(older)), older);
  if (!found.ok || found.value === null) return found;
  const { provider, model } = found.value;
  return success(`${provider}:${model}` === key.asked ? found.value : null);
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
