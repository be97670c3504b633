import { success } from '@agentcompany/protocol';
import { z } from 'zod';
import { record } from '../company/decide/draft.ts';
import { ProgressThrottle } from '../door/progress-throttle.ts';
import { mint } from '../engine/mint.ts';
import type { DeskWork } from './desk-work.ts';
import { hostTool, type HostTool } from './host-tool.ts';

const input = z.strictObject({
  message: z.string().trim().min(1).max(500).describe('One line: what you are doing, or what you found.'),
});

/** Milliseconds between two lines of one attempt; of what comes faster the latest is kept. */
const intervalMs = 1000;

/** `report_progress`: a line for the person who watches. `close` lets go of what was not sent. */
export function reportProgress(work: DeskWork): { readonly tool: HostTool; readonly close: () => void } {
  const { bus, run, taskId, attemptId } = work;
  let count = 0;
  const send = async (message: string): Promise<void> => {
    count += 1;
    const draft = record('task_progress', { attempt_id: attemptId, message }, { taskId, attemptId });
    const cause = `said progress ${count} of ${attemptId}`;
    // Nobody waits for progress: what a bus does not take is left out.
    await bus.send(await mint([draft], { sender: 'workers', runId: run.id, cause, inReplyTo: null }));
  };
  const throttle = new ProgressThrottle(intervalMs, (message) => void send(message));
  const description = 'Tells the person who watches, in one line, how the work goes on. Nobody answers.';
  const tool = hostTool('report_progress', description, input, async ({ message }) => {
    throttle.push(message.toWellFormed());
    return success('noted');
  });
  return { tool, close: () => throttle.stop() };
}
