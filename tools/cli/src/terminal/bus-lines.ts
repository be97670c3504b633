import type { Company, HistoryEntry, StreamEntry } from '@agentcompany/orchestrator';
import { shortId } from '../run-outcome.ts';
import { cleanLine, fit } from './clean-text.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

type Statistics = Extract<Awaited<ReturnType<Company['bus']['statistics']>>, { readonly ok: true }>['value'];
type DeadLetters = Extract<Awaited<ReturnType<Company['bus']['deadLetters']>>, { readonly ok: true }>['value'];

const promises = {
  machine: 'each step is fsynced on this machine before it is answered',
  server: 'each step is fsynced by the server before it is answered',
  volatile: 'NOT PROMISED: accept_volatile is on',
} as const;

const reaches = {
  process: 'this process',
  host: 'this machine',
  network: 'machines of a network',
  mail: 'whoever reads mail',
} as const;

/** What `bus stats` says. */
export function statisticsLines(statistics: Statistics, style: Style, width: number): readonly string[] {
  const { queues, dead_letters: dead } = statistics;
  const letters = dead === 0 ? '0' : style.bad(`${dead}: see \`agentcompany bus dead-letters\``);
  return [
    `store         ${fit(statistics.place, width - 14)}`,
    `durability    ${promises[statistics.durability]}`,
    `reach         ${reaches[statistics.latency_class]}`,
    `streams       ${statistics.streams}`,
    `envelopes     ${statistics.entries}, last position ${statistics.last_position}`,
    `dead letters  ${letters}`,
    ...(queues.length === 0 ? [] : ['']),
    ...(queues.length === 0
      ? []
      : renderTable(
          queues,
          [
            { title: 'QUEUE', value: ({ queue }) => queue },
            { title: 'WAITING', value: ({ waiting }) => String(waiting) },
            { title: 'DELAYED', value: ({ delayed }) => String(delayed) },
            { title: 'LEASED', value: ({ leased }) => String(leased) },
          ],
          width,
        )),
  ];
}

/** `2026-11-20 12:00:00`, UTC. */
function time(entry: StreamEntry): string {
  const at = Date.parse(entry.envelope.created_at);
  return Number.isNaN(at) ? '-'.padEnd(19) : new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** Whom it concerns; whole in a pipe, where nothing is cut. */
function subject({ envelope, stream }: StreamEntry, isCut: boolean): string {
  const { run_id: run = stream, task_id: task } = envelope.context;
  return `${isCut ? shortId(run) : run}${task === undefined ? '' : `/${task}`}`;
}

/** The columns of every line, cleaned: type, who to whom, whom it concerns. */
function columnsOf(entry: StreamEntry, isCut: boolean): string {
  const { envelope_type: type, sender, recipient } = entry.envelope;
  const route = cleanLine(`${sender} -> ${recipient}`);
  return `${cleanLine(type).padEnd(15)}  ${route.padEnd(18)}  ${cleanLine(subject(entry, isCut))}`;
}

/** `head` and `rest` on one line of at most `width` characters. */
function join(head: string, rest: string, style: Style, width: number): string {
  const characters = [...rest];
  const left = Math.max(10, width - head.length - 2);
  return `${style.faint(head)}  ${characters.length <= left ? rest : `${characters.slice(0, left - 1).join('')}…`}`;
}

/** One line of `bus tail`: position, time, type, sender -> recipient, run/task. Times are UTC; the date only where there is room. */
export function entryLine(entry: StreamEntry, style: Style, width: number): string {
  const isCut = Number.isFinite(width);
  const head = `${String(entry.position).padStart(6)}  ${isCut ? time(entry).slice(11) : time(entry)}`;
  return join(head, columnsOf(entry, isCut), style, width);
}

/** Lines of `bus history`: as those of `bus tail`, with how each envelope stands. */
export function historyLines(entries: readonly HistoryEntry[], style: Style, width: number): readonly string[] {
  const isCut = Number.isFinite(width);
  return entries.map((entry) => {
    const clock = isCut ? time(entry).slice(5, 16) : time(entry);
    const head = `${String(entry.position).padStart(6)}  ${clock}  ${(entry.status ?? '-').padEnd(9)}`;
    const line = join(head, columnsOf(entry, isCut), style, width);
    return entry.status === 'failed' ? style.bad(line) : line;
  });
}

/** A dead letter for people: what it was, where, why, and what to do. */
export function deadLetterLines({
  id,
  queue,
  envelope,
  count,
  error,
  buriedAt,
}: DeadLetters[number]): readonly string[] {
  const { run_id: run, task_id: task } = envelope.context;
  const about = run === undefined ? 'company' : `run ${shortId(run)}${task === undefined ? '' : ` task ${task}`}`;
  return [
    id,
    `  ${envelope.envelope_type} for ${cleanLine(queue)}, ${cleanLine(about)}`,
    `  given up ${buriedAt} after ${count === 1 ? '1 delivery' : `${count} deliveries`}`,
    `  ${error.code}: ${cleanLine(error.message)}`,
    ...(error.cause === null ? [] : [`  cause: ${cleanLine(error.cause)}`]),
    `  remedy: ${cleanLine(error.remedy)}`,
  ];
}
