import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { AgentBus } from '@agentcompany/agent-bus';
import { failure, success, type AppError, type BusRecord, type Result } from '@agentcompany/protocol';
import type { CompanyBus } from '../bus-facade.ts';
import { fsyncFolder } from '../durable-file.ts';
import { facadeErrors } from './errors.ts';

export function openBusExport(bus: AgentBus): Pick<CompanyBus, 'exportRecords' | 'exportTo'> {
  return { exportRecords: () => exportRecords(bus), exportTo: (file) => exportTo(bus, resolve(file)) };
}

async function* exportRecords(bus: AgentBus): AsyncGenerator<Result<BusRecord>, void, undefined> {
  let isWhole = false;
  for await (const record of bus.exportRecords()) {
    yield record;
    if (!record.ok) return;
    isWhole = record.value.kind === 'end';
  }
  if (!isWhole) yield failure(facadeErrors.AC_EXPORT_CUT_SHORT());
}

type Written = Awaited<ReturnType<CompanyBus['exportTo']>>;

/** Written under another name, fsynced, then renamed: `file` is a whole export or what it was before. */
async function exportTo(bus: AgentBus, file: string): Promise<Written> {
  const temporary = `${file}.${randomUUID()}.part`;
  try {
    const written = await writeNew(bus, temporary, file.endsWith('.gz'));
    if (!written.ok) {
      await rm(temporary, { force: true });
      return written;
    }
    await rename(temporary, file);
    fsyncFolder(dirname(file));
    return written;
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    return failure(facadeErrors.AC_EXPORT_UNWRITABLE({ file }, cause));
  }
}

async function writeNew(bus: AgentBus, file: string, isCompressed: boolean): Promise<Written> {
  await using handle = await open(file, 'wx', 0o600);
  return await writeRecords(bus, handle, isCompressed);
}

async function writeRecords(bus: AgentBus, handle: FileHandle, isCompressed: boolean): Promise<Written> {
  let records = 0;
  let failed: AppError | null = null;
  async function* lines(): AsyncGenerator<string, void, undefined> {
    for await (const record of exportRecords(bus)) {
      if (!record.ok) {
        failed = record.error;
        return;
      }
      records += 1;
      yield `${JSON.stringify(record.value)}\n`;
    }
  }
  await handle.writeFile(isCompressed ? compressed(lines()) : lines());
  if (failed !== null) return failure(failed);
  await handle.sync();
  const { size: bytes } = await handle.stat();
  return success({ records, bytes });
}

function compressed(lines: AsyncIterable<string>): AsyncIterable<Buffer> {
  const compressor = createGzip();
  // A failure of the source destroys the compressor, which tells it to whoever reads from it.
  pipeline(Readable.from(lines), compressor, () => undefined);
  return compressor;
}
