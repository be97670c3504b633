import { appErrorSchema, companyStream, success, type Envelope, type Result } from '@agentcompany/protocol';
import { z } from 'zod';
import type { RunView } from '../company/view.ts';
import type { Company, SetAsideView, WorkersView, WorkerView } from '../company-facade.ts';
import { setAsideReason } from '../engine/report-set-aside.ts';
import type { FacadeContext } from './context.ts';

/** Who is at work, and what is set aside for failing too often. */
export function openWorkerQueries(context: FacadeContext): Pick<Company, 'listWorkers'> {
  return { listWorkers: () => listWorkers(context) };
}

async function listWorkers({ bus, model }: FacadeContext): Promise<Result<WorkersView>> {
  const refreshed = await model.refresh();
  if (!refreshed.ok) return refreshed;
  const views = model.open().map((id) => model.view(id));
  const workers = views.flatMap((view) => (view === null ? [] : workersOf(view)));
  const alerts = await bus.readStream(companyStream, { after: 0 });
  if (!alerts.ok) return alerts;
  return success({
    workers: workers.toSorted((one, other) => one.started_at.localeCompare(other.started_at)),
    set_aside: latest(
      alerts.value.flatMap(({ envelope }) => setAsideOf(envelope)),
      Date.now(),
    ),
  });
}

function workersOf(run: RunView): readonly WorkerView[] {
  return run.task_list.flatMap((task) =>
    task.attempts
      .filter((attempt) => attempt.ended_at === null)
      .map(({ attempt_id, host_id, slot, state, started_at }) => {
        const { task_id, title } = task;
        return { attempt_id, host_id, slot, state, started_at, run_id: run.run_id, task_id, title };
      }),
  );
}

const alertPayload = z.looseObject({
  reason: z.literal(setAsideReason),
  subject: z.string(),
  host_id: z.string(),
  cooldown_ms: z.number(),
  error: appErrorSchema,
});

function setAsideOf({ envelope_type: type, payload, created_at: at }: Envelope): readonly SetAsideView[] {
  const alert = type === 'escalate' ? alertPayload.safeParse(payload) : null;
  if (alert?.success !== true) return [];
  const { subject, host_id, error, cooldown_ms } = alert.data;
  return [{ subject, host_id, error, since: at, until: new Date(Date.parse(at) + cooldown_ms).toISOString() }];
}

/** Each subject once, those whose cooldown is over left out: they are being tried again. */
function latest(alerts: readonly SetAsideView[], now: number): readonly SetAsideView[] {
  const current = alerts.filter(({ until }) => Date.parse(until) > now);
  return [...new Map(current.map((alert) => [`${alert.host_id} ${alert.subject}`, alert])).values()];
}
