import type { AppError, Result } from '@agentcompany/protocol';
import { InvalidArgumentError } from 'commander';
import type { Context } from './context.ts';

/** A whole number of at least 1, for option values. Throws commander's error. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('A whole number of at least 1 is expected.');
  return Number(text);
}

/** What a timer can hold, in whole seconds: one set for longer fires at once. */
const maximumSeconds = 2_147_483;

/** Seconds to wait at most, for option values. Throws commander's error. */
export function waitingSeconds(text: string): number {
  const seconds = positiveInteger(text);
  if (seconds > maximumSeconds) throw new InvalidArgumentError(`At most ${maximumSeconds} seconds are possible.`);
  return seconds;
}

/** US dollars, at least 0, for option values. Throws commander's error. */
export function dollars(text: string): number {
  if (!/^\d{1,7}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('An amount such as 2.50 is expected.');
  return Number(text);
}

/** A whole number of at least 0, for option values. Throws commander's error. */
export function wholeNumber(text: string): number {
  return text === '0' ? 0 : positiveInteger(text);
}

/** Unix milliseconds of a date or time in ISO 8601, in UTC where it names no zone. Throws commander's error. */
export function instant(text: string): number {
  const [, day, time = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(time === '' ? day : `${day}${time}${zone || 'Z'}`);
  if (Number.isNaN(at)) throw new InvalidArgumentError('A date such as 2026-11-20 or 2026-11-20T12:00 is expected.');
  return at;
}

/** Adds a value to a list, for options that may be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** The project that is meant: the named one, else the only one there is. Errors: `AC_PROJECT_UNKNOWN`, `AC_PROJECT_UNNAMED`. */
export async function chooseProject(context: Context, named: string | undefined): Promise<Result<string, AppError>> {
  const home = await context.home();
  if (!home.ok) return home;
  const { listProjects, showProject } = await import('@agentcompany/orchestrator/projects');
  if (named !== undefined) {
    const project = showProject(home.value, named);
    return project.ok ? { ok: true, value: project.value.id } : project;
  }
  const projects = listProjects(home.value);
  if (!projects.ok) return projects;
  const only = projects.value.length === 1 ? projects.value[0] : undefined;
  if (only !== undefined) return { ok: true, value: only.id };
  const { cliErrors } = await import('./errors.ts');
  const count = projects.value.length === 0 ? 'no projects' : `${projects.value.length} projects`;
  return { ok: false, error: cliErrors.AC_PROJECT_UNNAMED({ count }) };
}
