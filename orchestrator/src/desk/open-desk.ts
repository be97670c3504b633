import type { HostTools } from '../door/attempt-services.ts';
import { askPerson } from './ask-person.ts';
import type { DeskWork } from './desk-work.ts';
import type { HostTool } from './host-tool.ts';
import { joinTools } from './host-tools.ts';
import { readTask } from './read-task.ts';
import { reportProgress } from './report-progress.ts';

export interface Desk {
  readonly tools: HostTools;
  close(): void;
}

/**
 * The tools of one attempt: the company's own, then what `outside` gives, which is asked with the first use. `allowed`: names of the
 * tools that the agent's definition lists; null: all.
 */
export function openDesk(
  work: DeskWork,
  allowed: readonly string[] | null,
  outside: () => Promise<readonly HostTool[]>,
): Desk {
  const progress = reportProgress(work);
  const own = [askPerson(work), progress.tool, readTask(work)];
  return { tools: joinTools(async () => [...own, ...(await outside())], allowed), close: progress.close };
}
