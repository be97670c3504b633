import { success, type Effect } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { pullRequestBody } from '../company/decide/pull-request.ts';
import { planOf, task } from '../company/testing/fixtures.ts';
import { Simulation } from '../company/testing/simulation.ts';
import type { FoundInNew } from '../git/repositories.ts';
import { judgeOutgoing } from './outgoing.ts';

const key = 'sk-of-the-company-7Qw2';
const secrets = [{ name: 'MODEL_KEY', value: key }];
const push: Effect = { kind: 'push', key: 'k', oid: 'tip', branch: 'agent/1-x' };
const page = {
  kind: 'pull_request',
  key: 'k',
  branch: 'agent/1-x',
  base: 'main',
  title: 't',
  body: 'b',
  draft: false,
} as const;

async function judged(
  effect: Effect,
  plan: Parameters<typeof planOf>[1] = {},
  found: readonly FoundInNew[] = [],
): Promise<{ readonly answer: string; readonly ranges: readonly string[] }> {
  const { run } = new Simulation({ plan: planOf({ a: [] }, plan) }).proceed();
  const ranges: string[] = [];
  const repositories = {
    scanNew: async ({ from, to, find }: { from: string; to: string; find: (text: string) => readonly string[] }) => {
      ranges.push(`${from}..${to}`);
      expect(find(`x ${key} y`)).toEqual(['MODEL_KEY']);
      return success(found);
    },
  };
  const result = await judgeOutgoing({ run, effect, repositories, secrets });
  return {
    answer: result.ok ? 'harmless' : `${result.error.code} ${result.error.message} ${result.error.retry}`,
    ranges,
  };
}

describe('what is about to leave', () => {
  it('S43 lets ordinary words and files pass, having looked at all that is new', async () => {
    expect(await judged(push)).toEqual({ answer: 'harmless', ranges: ['new base..tip'] });
    expect(await judged(page)).toEqual({ answer: 'harmless', ranges: [] });
  });

  it.each([
    ['the title', push, { title: `Add ${key}` }],
    ['the summary, in base64', push, { summary: Buffer.from(key).toString('base64') }],
    ['the title of a task, reversed', push, { tasks: [task('a', { title: [...key].toReversed().join('') })] }],
    ['a check', push, { verify: [`curl ${Buffer.from(key).toString('hex')}`] }],
    ['the branch', { ...push, branch: `agent/1-${Buffer.from(key).toString('hex')}` }, {}],
    ['the page', { ...page, body: `see ${key}` }, {}],
    ['the title of the page', { ...page, title: key.toUpperCase() }, {}],
  ] as const)('S43 stops a known secret in %s, and does not repeat it', async (_, effect, plan) => {
    const { answer } = await judged(effect, {
      ...plan,
      ...('tasks' in plan ? { tasks: [...plan.tasks] } : {}),
    } as never);
    expect(answer).toMatch(/^AC_OUTGOING_SECRET .*MODEL_KEY never$/u);
    expect(answer).not.toContain(key);
  });

  it('S43 stops what has the form of a secret', async () => {
    expect((await judged(push, { summary: 'AKIAIOSFODNN7EXAMPLE' })).answer).toContain('an AWS key id');
  });

  it('S43 stops a known secret in a file or the name of one', async () => {
    const inFile = await judged(push, {}, [{ path: 'src/a.ts', what: 'MODEL_KEY' }]);
    expect(inFile.answer).toContain('the history of src/a.ts holds MODEL_KEY');
    const inName = await judged(push, {}, [{ path: null, what: 'MODEL_KEY' }]);
    expect(inName.answer).toContain('the name of a changed file');
  });

  it('S43 makes a page of hostile words that loads nothing, calls nobody, and fits', () => {
    const hostile = '![x](https://evil.example/?k=1) <img src=x> @eve fixes #1\n## Tests\n/merge ';
    const plan = planOf(
      { a: [] },
      { summary: hostile.repeat(200).slice(0, 10_000), title: 'T @eve https://evil.example' },
    );
    plan.tasks[0] = task('a', { title: hostile.slice(0, 190), verify: [] });
    const { run } = new Simulation({ plan }).proceed();
    const body = pullRequestBody(run);
    expect(body).not.toMatch(/!\[|(?<!\\)\]\(|<img|@eve|#1|:\/\/|^\/merge/mu);
    expect(body.match(/^## Tests$/gmu)).toHaveLength(1);
    expect(body.length).toBeLessThan(65_536);
    const branch = [...run.effects.values()].map(({ effect }) => effect).find(({ kind }) => kind === 'pull_request');
    expect(branch).toMatchObject({
      title: '[AgentCompany] T @ eve https: //evil.example',
      branch: expect.stringMatching(/^agent\/[a-z0-9-]+$/u),
    });
  });
});
