import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import { syncFolder } from '../../git/durable.ts';
import { readRecord, type PullRequestRecord } from './pull-request-record.ts';

export interface RecordStore {
  /** All records by number. */
  readonly list: () => Promise<Result<readonly PullRequestRecord[]>>;
  /**
   * Adds a record under the next number unless its key is known, and answers the one that holds. Safe between processes:
   * a number is taken by creating its file, and whoever comes second looks for the key again.
   */
  readonly add: (
    make: (number: number, file: string) => PullRequestRecord,
    key: string,
  ) => Promise<Result<PullRequestRecord>>;
  readonly replace: (record: PullRequestRecord) => Promise<void>;
}

const recordFile = /^([1-9][0-9]*)\.json$/;

/** Records as one JSON file each in `folder`: whole or absent at every moment, durable when a call returns. */
export function openRecordStore(folder: string): RecordStore {
  const fileOf = (number: number): string => path.join(folder, `${number}.json`);
  const list = (): Promise<Result<readonly PullRequestRecord[]>> => listRecords(folder);
  return {
    list,
    add: async (make, key) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (;;) {
        const records = await list();
        if (!records.ok) return records;
        const known = records.value.find((record) => record.key === key);
        if (known !== undefined) return success(known);
        const number = (records.value.at(-1)?.number ?? 0) + 1;
        const record = make(number, fileOf(number));
        if (await writeNew(folder, fileOf(number), record)) return success(record);
      }
    },
    replace: async (record) => {
      const temporary = await writeTemporary(folder, record);
      await rename(temporary, fileOf(record.number));
      await syncFolder(folder);
    },
  };
}

async function listRecords(folder: string): Promise<Result<readonly PullRequestRecord[]>> {
  const names = await readdir(folder).catch((problem: NodeJS.ErrnoException) => {
    if (problem.code === 'ENOENT') return [];
    throw problem;
  });
  const numbers = names.flatMap((name) => recordFile.exec(name)?.[1] ?? []).map(Number);
  const records: PullRequestRecord[] = [];
  for (const number of numbers.toSorted((left, right) => left - right)) {
    const record = await readRecord(path.join(folder, `${number}.json`));
    if (!record.ok) return record;
    records.push(record.value);
  }
  return success(records);
}

/** False where the number is taken. A hard link appears whole or not at all, and never over another file. */
async function writeNew(folder: string, file: string, record: PullRequestRecord): Promise<boolean> {
  const temporary = await writeTemporary(folder, record);
  try {
    await link(temporary, file);
  } catch (problem) {
    if (problem instanceof Error && 'code' in problem && problem.code === 'EEXIST') return false;
    throw problem;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
  return true;
}

async function writeTemporary(folder: string, record: PullRequestRecord): Promise<string> {
  const temporary = path.join(folder, `.${randomUUID()}.part`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}
