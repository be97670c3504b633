import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Company } from '../company-facade.ts';
import { initHome, type CompanyHome } from '../company-home.ts';
import { planOf } from '../company/testing/fixtures.ts';
import { loadConfig } from '../config.ts';
import { openCompany } from '../open-company.ts';
import { addProject } from '../projects.ts';
import { reviewerModel } from './model-reviewer.ts';

let folder: string;
let home: CompanyHome;
const opened: Company[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'company-commands-'));
  home = unwrap(initHome(folder));
  unwrap(addProject(home, { cwd: '/', url: 'https://forge.example/shop.git', id: 'shop' }));
});
afterEach(async () => {
  for (const company of opened.splice(0)) await company.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The company as one process has it open. */
async function openAnother(flags: Readonly<Record<string, unknown>> = {}): Promise<Company> {
  const { config } = unwrap(loadConfig({ home, environment: {}, flags }));
  const company = unwrap(await openCompany(home, { environment: {}, installation: folder, config }));
  opened.push(company);
  return company;
}

describe('an instruction', () => {
  it('given twice at once with the same key is one run for both', async () => {
    const companies = [await openAnother(), await openAnother()];
    const plan = planOf({ a: [] });
    const submitted = await Promise.all(
      companies.map((company, index) =>
        company.submit({ projectId: 'shop', instruction: `Do it, says ${index}.`, plan, idempotencyKey: 'once' }),
      ),
    );
    const ids = submitted.map((result) => unwrap(result).runId);
    expect(new Set(ids).size).toBe(1);
    for (const company of companies) expect(unwrap(await company.listRuns())).toHaveLength(1);
  });
});

describe('who reviews', () => {
  const models = { scripted: { file: 'replies.json' } };

  /** What a run is promised, or why it is refused. */
  async function promised(flags: Readonly<Record<string, unknown>>): Promise<unknown> {
    const company = await openAnother(flags);
    const request = { projectId: 'shop', instruction: 'Do it.', plan: planOf({ a: [] }), settings: flags };
    const submitted = await company.submit(request);
    if (!submitted.ok) return submitted.error.code;
    const signal = AbortSignal.timeout(10_000);
    for await (const { envelope } of company.timeline(submitted.value.runId, { after: 0, follow: false, signal }))
      return (envelope.payload['settings'] as { review: unknown }).review;
    return null;
  }

  it.each([
    ['the rules, where auto finds no model', {}, 'rules'],
    ['auto, where there is a model', { ai_adapter: 'scripted', model: 'm', models }, 'auto'],
    ['auto, where there is a model for reviews alone', { ai_adapter: 'scripted', reviewer_model: 'm', models }, 'auto'],
    ['a model, where one is wanted', { ai_adapter: 'scripted', fallback_model: 'm', models, review: 'model' }, 'model'],
    ['the rules, where they are wanted', { ai_adapter: 'scripted', model: 'm', models, review: 'rules' }, 'rules'],
    ['nobody, where the model that is wanted is none', { review: 'model' }, 'AC_REVIEW_MODEL_MISSING'],
    [
      'nobody, where it cannot be opened',
      { ai_adapter: 'openai', model: 'gpt', review: 'model' },
      'AC_MODEL_KEY_MISSING',
    ],
  ])('S46 is settled at the start: %s', async (_, flags, expected) => {
    expect(await promised(flags)).toBe(expected);
  });

  it('is by default another model than the one that works', () => {
    const none = { reviewer_model: null, fallback_model: null, model: null };
    expect([
      reviewerModel({ reviewer_model: 'r', fallback_model: 'f', model: 'm' }),
      reviewerModel({ ...none, fallback_model: 'f', model: 'm' }),
      reviewerModel({ ...none, model: 'm' }),
      reviewerModel(none),
    ]).toEqual(['r', 'f', 'm', null]);
  });
});
