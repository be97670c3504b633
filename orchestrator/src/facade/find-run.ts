import { failure, success, type Result } from '@agentcompany/protocol';
import type { RunView } from '../company/view.ts';
import { orchestratorErrors } from '../errors.ts';
import type { FacadeContext } from './context.ts';

/** The run of that id or unique prefix, as the ledger has it now. Errors: `AC_RUN_UNKNOWN`, `AC_RUN_AMBIGUOUS`. */
export async function findRun({ model }: FacadeContext, id: string): Promise<Result<RunView>> {
  const refreshed = await model.refresh();
  if (!refreshed.ok) return refreshed;
  const matching = model.matching(id);
  if (matching.length > 1)
    return failure(orchestratorErrors.AC_RUN_AMBIGUOUS({ run: id, candidates: matching.join(', ') }));
  const view = matching[0] === undefined ? null : model.view(matching[0]);
  return view === null ? failure(orchestratorErrors.AC_RUN_UNKNOWN({ run: id })) : success(view);
}
