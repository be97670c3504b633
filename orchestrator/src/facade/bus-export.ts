import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream';
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
    const handle = await open(temporary, 'wx', 0o600);
    const written = await writeRecords(bus, handle, file.endsWith('.gz')).finally(() => handle.close());
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
  // A failure of the source destroys the compressor, which tells it to whoever reads from it.
  const chunks = isCompressed ? pipeline(lines(), createGzip(), () => undefined) : lines();
  await handle.writeFile(chunks);
  if (failed !== null) return failure(failed);
  await handle.sync();
  const { size: bytes } = await handle.stat();
  return success({ records, bytes });
}
