import type { SetAsideView, WorkerView } from '@agentcompany/orchestrator';
import { shortId } from '../run-outcome.ts';
import { cleanLine } from './clean-text.ts';
import { paintState, type Style } from './style.ts';
import { renderTable, type Column } from './table.ts';

/** `14:02:33` of an ISO 8601 time, in UTC. */
function clock(time: string): string {
  return time.slice(11, 19);
}

/** Workers as a table; times in UTC. The host is shown where there are several. */
export function workerTable(workers: readonly WorkerView[], style: Style, width: number): readonly string[] {
  const hosts = new Set(workers.map(({ host_id: host }) => host));
  const columns: readonly Column<WorkerView>[] = [
    { title: 'WORKER', value: (worker) => worker.slot },
    ...(hosts.size > 1 ? [{ title: 'HOST', value: (worker: WorkerView) => worker.host_id.slice(0, 13) }] : []),
    {
      title: 'STATE',
      value: (worker) => worker.state,
      paint: (worker, cell) => paintState(style, worker.state, cell),
    },
    { title: 'SINCE', value: (worker) => clock(worker.started_at) },
    { title: 'RUN', value: (worker) => shortId(worker.run_id) },
    { title: 'TASK', value: (worker) => `${worker.task_id}: ${worker.title}`, elastic: true },
  ];
  return renderTable(workers, columns, width);
}

/** What is set aside, why, and until when. */
export function setAsideLines(setAside: readonly SetAsideView[]): readonly string[] {
  return setAside.flatMap(({ subject, until, error }) => [
    '',
    `${cleanLine(subject)} is set aside until ${clock(until)} UTC`,
    `  ${error.code}: ${cleanLine(error.message)}`,
    ...(error.cause === null ? [] : [`  cause: ${cleanLine(error.cause)}`]),
    `  remedy: ${cleanLine(error.remedy)}`,
  ]);
}
