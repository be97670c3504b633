import { readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';

/** What a machine may lack, the test files that go without it, and why: `tests/may-skip.json`. Nothing else may be skipped. */
export interface SkipRule {
  readonly needs: string;
  /** Globs relative to the checkout. */
  readonly files: readonly string[];
  readonly why: string;
}

/** Reads and checks `tests/may-skip.json`; a malformed file is a bug and throws. */
export function readSkipRules(file: URL): readonly SkipRule[] {
  const rules: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(rules) || !rules.every(isSkipRule))
    throw new Error(`${file.pathname} is not a list of {needs, files, why}`);
  return rules;
}

function isSkipRule(value: unknown): value is SkipRule {
  if (value === null || typeof value !== 'object') return false;
  const rule: Partial<Record<keyof SkipRule, unknown>> = value;
  return (
    typeof rule.needs === 'string' &&
    typeof rule.why === 'string' &&
    Array.isArray(rule.files) &&
    rule.files.every((glob) => typeof glob === 'string')
  );
}

/**
 * The globs left out of a run on a machine that lacks something.
 * @param missing comma-separated names of `needs`, as the launcher sets them; a name no rule has is a bug and throws
 * @param continuousIntegration there nothing may be skipped: a lack is then a failure
 */
export function excludedFiles(
  rules: readonly SkipRule[],
  missing: string | undefined,
  continuousIntegration: boolean,
): readonly string[] {
  if (missing === undefined || missing === '') return [];
  if (continuousIntegration) throw new Error(`with CI=true no test may be skipped, but this machine lacks: ${missing}`);
  return missing.split(',').flatMap((need) => {
    const found = rules.filter((rule) => rule.needs === need);
    if (found.length === 0) throw new Error(`tests/may-skip.json has no rule for '${need}'`);
    return found.flatMap((rule) => rule.files);
  });
}

/** Whether a test that skipped itself was allowed to. `file` is relative to the checkout, with forward slashes. */
export function maySkip(rules: readonly SkipRule[], file: string, continuousIntegration: boolean): boolean {
  return !continuousIntegration && rules.some((rule) => rule.files.some((glob) => matchesGlob(file, glob)));
}
