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
async function openAnother(): Promise<Company> {
  const { config } = unwrap(loadConfig({ home, environment: {} }));
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
