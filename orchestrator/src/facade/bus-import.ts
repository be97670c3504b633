import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { busErrors } from '@agentcompany/agent-bus';
import {
  busRecordSchema,
  failure,
  firstProblem,
  success,
  type AppError,
  type BusRecord,
  type Result,
} from '@agentcompany/protocol';
import { takeEngineLock } from '../engine/engine-lock.ts';
import type { FacadeContext } from './context.ts';
import { facadeErrors } from './errors.ts';

/** What a record may have at most in bytes: an envelope of 16 MiB with all that stands around it. */
const maxLineBytes = 32 * 1024 ** 2;
const lineFeed = 0x0a;

type Imported = { readonly entries: number; readonly runs: number };

/** Takes the engine's lock for as long as it lasts: an engine that found a bus half there would decide on it. */
export async function importFrom(context: FacadeContext, file: string): Promise<Result<Imported>> {
  const lock = takeEngineLock(context.home.lockFile);
  if (!lock.ok) return lock;
  try {
    const source = new RecordFile(file);
    const imported = await context.bus.importRecords(source.records());
    if (!imported.ok) return source.problem === null ? imported : failure(source.problem);
    const rebuilt = await context.model.rebuild();
    return rebuilt.ok ? success({ entries: imported.value.entries, runs: rebuilt.value.runs }) : rebuilt;
  } finally {
    lock.value.release();
  }
}

/** The records of an export file. At the first that is no record it ends, and `problem` says why: the bus then takes none. */
class RecordFile {
  readonly #file: string;
  problem: AppError | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  async *records(): AsyncGenerator<BusRecord, void, undefined> {
    let number = 0;
    try {
      for await (const line of this.#lines()) {
        number += 1;
        const record = parseRecord(line);
        if (!record.ok) {
          this.problem = busErrors.AC_BUS_EXPORT_INVALID({ number, problem: record.error });
          return;
        }
        yield record.value;
      }
    } catch (cause) {
      this.problem = facadeErrors.AC_IMPORT_UNREADABLE({ file: this.#file }, cause);
    }
  }

  async *#lines(): AsyncGenerator<Buffer, void, undefined> {
    const bytes = createReadStream(this.#file);
    let rest: Buffer[] = [];
    let size = 0;
    const chunks = this.#file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
    bytes.on('error', (cause) => chunks.destroy(cause));
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]);
        [rest, size, start] = [[], 0, end + 1];
      }
      rest.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > maxLineBytes) throw new Error(`a line has more than ${maxLineBytes} bytes`);
    }
    if (size > 0) yield Buffer.concat(rest);
  }
}

type Parsed = { readonly ok: true; readonly value: BusRecord } | { readonly ok: false; readonly error: string };

function parseRecord(line: Buffer): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
  } catch {
    return { ok: false, error: 'not a line of JSON in UTF-8' };
  }
  const parsed = busRecordSchema.safeParse(value);
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, error: firstProblem(parsed.error) };
}
