import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePayload, planSchema, unwrap, type Plan, type RunSettings } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Company } from '../company-facade.ts';
import { initHome, type CompanyHome } from '../company-home.ts';
import { loadConfig } from '../config.ts';
import { openCompany } from '../open-company.ts';
import { addProject } from '../projects.ts';

const installation = join(import.meta.dirname, '../../..');
let folder: string;
let home: CompanyHome;
const opened: Company[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-agents-'));
  home = unwrap(initHome(folder));
  unwrap(addProject(home, { cwd: '/', url: 'https://forge.example/shop.git', id: 'shop' }));
  mkdirSync(join(folder, 'agents'));
});
afterEach(async () => {
  for (const company of opened.splice(0)) await company.close();
  rmSync(folder, { recursive: true, force: true });
});

const scripted = { ai_adapter: 'scripted', model: 'm', models: { scripted: { file: 'replies.json' } } };

async function open(settings: Record<string, unknown> = scripted): Promise<Company> {
  writeFileSync(home.configFile, JSON.stringify({ version: 1, ...settings }));
  const { config } = unwrap(loadConfig({ home, environment: {} }));
  const company = unwrap(await openCompany(home, { environment: {}, installation, config }));
  opened.push(company);
  return company;
}

/** What a run of the plan promises its agents. */
async function settingsOf(company: Company, plan: Plan | null): Promise<RunSettings> {
  const { runId } = unwrap(await company.submit({ projectId: 'shop', instruction: 'Do it.', plan }));
  const signal = AbortSignal.timeout(10_000);
  for await (const { envelope } of company.timeline(runId, { after: 0, follow: false, signal }))
    return unwrap(parsePayload('task_submit', envelope.payload)).settings;
  throw new Error('nothing is on record');
}

const by = (agent: string, more: object = {}): Plan =>
  planSchema.parse({ title: 'p', tasks: [{ id: 'a', title: 'A', instructions: 'Do a.', agent, ...more }] });
const byCommand = planSchema.parse({ title: 'p', tasks: [{ id: 'a', title: 'A', run: { command: 'true' } }] });
const names = ({ agents }: RunSettings): readonly string[] => agents.map(({ name }) => name);

describe('the agents of a run', () => {
  it('are on record as they were at its start: those its plan names, and the Reviewer', async () => {
    writeFileSync(join(folder, 'agents/baker.yaml'), 'role: worker\nprompt: Bake.\n');
    const company = await open();
    const settings = await settingsOf(company, by('baker'));
    expect(names(settings)).toEqual(['baker', 'reviewer']);
    expect(settings.agents[0]).toMatchObject({ prompt: 'Bake.', temperature: 0.7, timeout: 30 });
    expect(names(await settingsOf(company, byCommand))).toEqual(['reviewer']);
  });

  it('are all a model may choose from, and the Manager, where there is no plan', async () => {
    writeFileSync(join(folder, 'agents/my-codex.yaml'), 'role: worker\nruntime: codex\n');
    const planned = names(await settingsOf(await open(), null));
    expect(planned).toEqual(['coder', 'documenter', 'manager', 'my-codex', 'reviewer', 'test-writer']);
    const registry = JSON.parse(readFileSync(home.projectsFile, 'utf8')) as { projects: object[] };
    registry.projects = registry.projects.map((project) => ({ ...project, agent: 'codex' }));
    writeFileSync(home.projectsFile, JSON.stringify(registry));
    expect(names(await settingsOf(await open(), null))).toContain('codex');
  });

  it.each<[string, Plan | null, Record<string, unknown>, string]>([
    ['an unknown agent', by('backer'), scripted, 'AC_AGENT_UNKNOWN'],
    ['an agent that works on the host', by('manager'), scripted, 'AC_AGENT_UNKNOWN'],
    ['an agent without a model', by('coder'), {}, 'AC_AGENT_MODEL_MISSING'],
    ['an agent whose model has no key', by('coder', { model: 'openai:gpt-5' }), scripted, 'AC_MODEL_KEY_MISSING'],
  ])('refuse %s before anything is on record', async (_, plan, settings, code) => {
    const company = await open(settings);
    const submitted = await company.submit({ projectId: 'shop', instruction: 'Do it.', plan });
    expect(submitted).toMatchObject({ ok: false, error: { code } });
    expect(unwrap(await company.listRuns())).toEqual([]);
  });

  it('are refused with a definition that cannot be used, whoever is asked for', async () => {
    writeFileSync(join(folder, 'agents/baker.yaml'), 'role: worker\ntemprature: 1\n');
    const submitted = await (await open()).submit({ projectId: 'shop', instruction: 'Do it.', plan: byCommand });
    expect(submitted).toMatchObject({
      ok: false,
      error: { code: 'AC_AGENT_INVALID', message: expect.stringContaining('baker.yaml:2)') },
    });
  });

  it('do without a company model where their own definition names one', async () => {
    const company = await open({ ...scripted, model: null, review: 'rules' });
    expect(names(await settingsOf(company, by('coder', { model: 'scripted:m' })))).toEqual(['coder', 'reviewer']);
  });
});
