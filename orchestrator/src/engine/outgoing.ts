import { failure, success, type Effect, type Result } from '@agentcompany/protocol';
import { companyErrors } from '../company/errors.ts';
import type { Run } from '../company/records.ts';
import type { ProjectRepositories } from '../git/repositories.ts';
import { findSecretForms, knownSecretFinder, type KnownSecret } from '../text/find-secrets.ts';

interface Outgoing {
  readonly run: Run;
  readonly effect: Effect;
  readonly repositories: Pick<ProjectRepositories, 'scanNew'>;
  readonly secrets: readonly KnownSecret[];
}

/**
 * Looks through what is about to leave (S43): words of plans and models for the company's secrets in any disguise and for whatever has
 * the form of one, files for the company's secrets alone, as fixtures of tests have such forms too. What is found stops the
 * publication; nothing is edited. Error: `AC_OUTGOING_SECRET`, which names what and where, never the secret.
 */
export async function judgeOutgoing({ run, effect, repositories, secrets }: Outgoing): Promise<Result<undefined>> {
  if (effect.kind !== 'push' && effect.kind !== 'pull_request') return success();
  const find = knownSecretFinder(secrets);
  const words = effect.kind === 'push' ? [effect.branch, ...wordsOf(run)] : [effect.branch, effect.title, effect.body];
  const text = words.join('\n');
  const what = find(text)[0] ?? findSecretForms(text)[0];
  if (what !== undefined)
    return failure(companyErrors.AC_OUTGOING_SECRET({ what, where: 'a title or text of the plan' }));
  if (effect.kind === 'pull_request') return success();
  const found = await repositories.scanNew({ from: publishedBase(run), to: effect.oid, find });
  if (!found.ok) return found;
  const [first] = found.value;
  if (first === undefined) return success();
  const where = first.path === null ? 'the name of a changed file' : `the history of ${first.path}`;
  return failure(companyErrors.AC_OUTGOING_SECRET({ what: first.what, where }));
}

/** What titles of commits, the name of the branch and the page of the pull request are made from. */
function wordsOf({ instruction, plan, tasks }: Run): readonly string[] {
  const titles = [...tasks.values()].map(({ spec }) => spec.title);
  return [instruction, plan?.title ?? '', plan?.summary ?? '', ...(plan?.verify ?? []), ...titles];
}

/** The commit of the base branch that the result contains: what is behind it is published already. */
function publishedBase(run: Run): string {
  const integrated = [...run.effects.values()].flatMap(({ outcome }) =>
    outcome?.kind === 'integrate' && outcome.outcome === 'merged' ? [outcome.base_oid] : [],
  );
  return integrated.at(-1) ?? run.baseOid ?? '';
}
