import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { AgentBus, StreamEntry } from '@agentcompany/agent-bus';
import type { HostFolders } from './host-parts.ts';
import type { Log } from './log.ts';
import { MessageFile } from './message-file.ts';
import { messageLine } from './message-line.ts';
import { runFolder } from './run-files.ts';

/** Milliseconds between two looks at the bus. */
const pauseMs = 500;
/** Milliseconds after which it is noted how far the files go: what came since is looked at once more after a crash. */
const notedEveryMs = 30_000;
const pageSize = 500;
const runId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The envelopes of a run, one a line. */
export function messageLogFile(folders: Pick<HostFolders, 'runsFolder'>, run: string): string {
  return join(runFolder(folders, run), 'messages.log');
}

interface Parts {
  readonly bus: Pick<AgentBus, 'readAll' | 'lastPosition'>;
  readonly home: Pick<HostFolders, 'runsFolder'>;
  readonly log: Log;
}

/**
 * Writes `messages.log` of each run (C10) behind the bus: a projection for people, never read back but to find its end. Nobody waits
 * for it, and no work fails for want of it. A line is written once, also across restarts.
 */
export class MessageLogs {
  readonly #parts: Parts;
  readonly #notes: string;
  readonly #files = new Map<string, MessageFile>();
  /** Runs whose file cannot be written: tried again by the next engine, which begins where it was last noted. */
  readonly #failed = new Set<string>();
  readonly #written = new Set<string>();
  readonly #finishing = new AbortController();
  #position: number | null = null;
  #notedAt = performance.now();
  #isWanted = false;
  #writing: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#notes = join(dirname(parts.home.runsFolder), 'messages.position');
  }

  /** Something came: it is written soon. */
  note(): void {
    this.#isWanted = true;
    this.#writing ??= this.#writeWhatComes();
  }

  /** Writes all there is. */
  async finish(): Promise<void> {
    this.#finishing.abort();
    this.note();
    await this.#writing;
    await this.#notePosition();
  }

  async #writeWhatComes(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#catchUp().catch((cause: unknown) => this.#parts.log('messages-failed', { cause: String(cause) }));
      if (performance.now() - this.#notedAt >= notedEveryMs) await this.#notePosition();
      await setTimeout(pauseMs, undefined, { signal: this.#finishing.signal }).catch(() => undefined);
    }
    this.#writing = null;
  }

  async #catchUp(): Promise<void> {
    const { bus, log } = this.#parts;
    this.#position ??= await this.#notedPosition();
    for (;;) {
      const read = await bus.readAll({ after: this.#position, limit: pageSize });
      if (!read.ok) return log('messages-failed', { error: read.error });
      const byRun = Map.groupBy(read.value, ({ stream }) => stream.split('/')[0] ?? '');
      for (const [run, entries] of byRun) if (runId.test(run)) await this.#append(run, entries);
      this.#position = read.value.at(-1)?.position ?? this.#position;
      if (read.value.length < pageSize) return;
    }
  }

  async #append(run: string, entries: readonly StreamEntry[]): Promise<void> {
    if (this.#failed.has(run)) return;
    try {
      const path = messageLogFile(this.#parts.home, run);
      const file = this.#files.get(run) ?? (await MessageFile.find(path));
      this.#files.set(run, file);
      const lines = entries.filter(({ position }) => position > file.last).map(messageLine);
      if (lines.length === 0) return;
      await file.append(lines.join(''));
      this.#written.add(run);
    } catch (cause) {
      this.#failed.add(run);
      this.#parts.log('messages-failed', { run, cause: String(cause) });
    }
  }

  async #notedPosition(): Promise<number> {
    const text = await readFile(this.#notes, 'utf8').catch(() => '');
    const noted = Number(/^(\d+)\n$/.exec(text)?.[1] ?? 0);
    // A store that was begun anew counts from the start.
    const last = await this.#parts.bus.lastPosition();
    return last.ok && noted <= last.value ? noted : 0;
  }

  /** How far the files go, once they are on disk. */
  async #notePosition(): Promise<void> {
    this.#notedAt = performance.now();
    if (this.#position === null || this.#failed.size > 0) return;
    try {
      for (const run of this.#written) await this.#files.get(run)?.sync();
      this.#written.clear();
      await writeFile(`${this.#notes}.part`, `${this.#position}\n`, { mode: 0o600 });
      await rename(`${this.#notes}.part`, this.#notes);
    } catch (cause) {
      this.#parts.log('messages-failed', { cause: String(cause) });
    }
  }
}
