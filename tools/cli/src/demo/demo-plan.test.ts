import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { planSchema, unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { parsePlan } from '../../../../orchestrator/src/plans/plan-file.ts';
import { demoPlan } from './demo-plan.ts';
import { parsePackageName } from './package-name.ts';

const scriptsFolder = path.join(import.meta.dirname, 'scripts');
const survey = { readme: 'readme.md', changelog: 'CHANGELOG.md' };
const planWith = (withFlaw: boolean) =>
  demoPlan({ name: unwrap(parsePackageName('ms@2.1.3')), survey, scriptsFolder, withFlaw });

function scriptOf(plan: Awaited<ReturnType<typeof planWith>>, id: string): string {
  const run = plan.tasks.find((task) => task.id === id)?.run;
  return run !== undefined && 'script' in run ? run.script : '';
}

describe('the plan of the demo', () => {
  it('is one that the company takes: at least five tasks, with dependencies and checks of the joined result', async () => {
    const plan = await planWith(true);
    expect(unwrap(parsePlan(JSON.stringify(plan), { name: 'demo', folder: '/' }))).toEqual(planSchema.parse(plan));
    expect(plan.tasks.length).toBeGreaterThanOrEqual(5);
    expect(plan.tasks.filter((task) => task.depends_on.length > 0).length).toBeGreaterThanOrEqual(2);
    expect(plan.verify).toHaveLength(2);
  });

  it('begins with two tasks that write the same file and wait for nothing', async () => {
    const [one, other] = (await planWith(true)).tasks;
    expect(one?.paths).toEqual(other?.paths);
    expect([one?.depends_on, other?.depends_on]).toEqual([[], []]);
  });

  it('differs by the flaw in one script only', async () => {
    const [flawed, right] = await Promise.all([planWith(true), planWith(false)]);
    const differing = flawed.tasks.filter((task) => scriptOf(flawed, task.id) !== scriptOf(right, task.id));
    expect(differing.map((task) => task.id)).toEqual(['smoke-test']);
  });

  it('gives every worker a whole script: valid, and importing nothing but Node', async () => {
    const plan = await planWith(true);
    for (const task of plan.tasks) {
      const script = scriptOf(plan, task.id);
      execFileSync(process.execPath, ['--check', '--input-type=module', '-'], { input: script });
      const head = script.slice(0, script.search(/^(?!import|$)/m));
      expect(head.split('\n').filter((line) => line !== '' && !/ from 'node:/.test(line))).toEqual([]);
      expect(script).not.toContain("from './");
    }
  });
});
