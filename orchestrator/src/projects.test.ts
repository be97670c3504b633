import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { initHome, type CompanyHome } from './company-home.ts';
import {
  addProject,
  checkCredentials,
  listProjects,
  removeProject,
  showProject,
  type AddProjectRequest,
} from './projects.ts';

function temporary(): string {
  return mkdtempSync(path.join(tmpdir(), 'projects-'));
}

function home(): CompanyHome {
  return unwrap(initHome(temporary()));
}

function repository(branch: string, ...flags: string[]): string {
  const folder = path.join(temporary(), 'My Tool.git');
  execFileSync('git', ['init', '--quiet', `--initial-branch=${branch}`, ...flags, folder]);
  return folder;
}

function refusal(request: Omit<AddProjectRequest, 'cwd'>): { readonly code: string; readonly message: string } {
  const result = addProject(home(), { cwd: '/', ...request });
  if (result.ok) throw new Error('was accepted');
  return result.error;
}

describe('addProject', () => {
  it('C32 takes a folder by path, checked out or bare, with the branch its HEAD names', () => {
    const company = home();
    const checkout = unwrap(addProject(company, { cwd: '/', path: repository('trunk'), verify: ['npm test'] }));
    const bare = unwrap(
      addProject(company, { cwd: '/', path: repository('main', '--bare'), id: 'bare', integrationBranch: 'next' }),
    );
    expect(checkout).toMatchObject({
      id: 'my-tool',
      default_branch: 'trunk',
      integration_branch: 'trunk',
      forge: 'local',
      verify: ['npm test'],
    });
    expect(bare).toMatchObject({ default_branch: 'main', integration_branch: 'next' });
    expect(unwrap(listProjects(company))).toEqual([checkout, bare]);
  });

  it('takes an https or ssh address', () => {
    const company = home();
    expect(unwrap(addProject(company, { cwd: '/', url: 'https://example.org/team/tool.git' }))).toMatchObject({
      id: 'tool',
      default_branch: 'main',
      git_url: 'https://example.org/team/tool.git',
    });
    expect(
      unwrap(addProject(company, { cwd: '/', url: 'ssh://git@example.org/team/other.git', defaultBranch: 'dev' })),
    ).toMatchObject({ id: 'other', default_branch: 'dev' });
  });

  it.each([
    'file:///etc',
    'ftp://example.org/x',
    'http://example.org/x',
    '/srv/repo',
    './repo',
    'https://example.org/a b',
    'https://user:word@example.org/x',
    'https://token@example.org/x',
    'ssh://-oProxyCommand=x/y',
    'ext::sh -c x',
    'https://example.org/x\ny',
    '',
  ])('C32 refuses %j as --url', (url) => {
    expect(refusal({ url, id: 'x' })).toMatchObject({ code: 'AC_PROJECT_URL_REFUSED' });
  });

  it('C32 refuses a second project of the same name', () => {
    const company = home();
    unwrap(addProject(company, { cwd: '/', url: 'https://example.org/a/tool' }));
    const second = addProject(company, { cwd: '/', url: 'https://example.org/b/tool' });
    expect(second).toMatchObject({
      ok: false,
      error: { code: 'AC_PROJECT_EXISTS', message: 'a project tool exists already (https://example.org/a/tool)' },
    });
  });

  it('refuses a folder without a repository, a HEAD without a branch, bad branch names and both or no source', () => {
    expect(refusal({ path: temporary() })).toMatchObject({ code: 'AC_PROJECT_NOT_REPOSITORY' });
    expect(refusal({ path: '/absent' })).toMatchObject({ code: 'AC_PROJECT_NOT_REPOSITORY' });
    const detached = repository('main');
    writeFileSync(path.join(detached, '.git', 'HEAD'), `${'a'.repeat(40)}\n`);
    expect(refusal({ path: detached })).toMatchObject({ code: 'AC_PROJECT_BRANCH_UNKNOWN' });
    expect(refusal({ path: detached, defaultBranch: '--output=x' })).toMatchObject({
      code: 'AC_PROJECT_INVALID',
      message: expect.stringContaining('default_branch'),
    });
    expect(refusal({ url: 'https://example.org/x', path: '/x' })).toMatchObject({ code: 'AC_PROJECT_INVALID' });
    expect(refusal({})).toMatchObject({ code: 'AC_PROJECT_INVALID' });
    expect(refusal({ url: 'https://example.org/x', id: '../x' })).toMatchObject({
      code: 'AC_PROJECT_INVALID',
      message: expect.stringContaining('id'),
    });
  });

  it('reads HEAD of a linked checkout', () => {
    const main = repository('main', '--bare');
    mkdirSync(path.join(main, 'worktrees', 'w'), { recursive: true });
    writeFileSync(path.join(main, 'worktrees', 'w', 'HEAD'), 'ref: refs/heads/feature/x\n');
    const linked = temporary();
    writeFileSync(path.join(linked, '.git'), `gitdir: ${path.join(main, 'worktrees', 'w')}\n`);
    expect(unwrap(addProject(home(), { cwd: '/', path: linked, id: 'linked' })).default_branch).toBe('feature/x');
  });
});

describe('the registry', () => {
  it('C32 shows and removes, and offers the nearest id', () => {
    const company = home();
    unwrap(addProject(company, { cwd: '/', url: 'https://example.org/tool' }));
    expect(unwrap(showProject(company, 'tool')).id).toBe('tool');
    expect(showProject(company, 'tol')).toMatchObject({
      ok: false,
      error: { code: 'AC_PROJECT_UNKNOWN', message: 'there is no project tol, did you mean tool?' },
    });
    expect(unwrap(removeProject(company, 'tool')).id).toBe('tool');
    expect(removeProject(company, 'tool')).toMatchObject({ ok: false, error: { code: 'AC_PROJECT_UNKNOWN' } });
    expect(unwrap(listProjects(company))).toEqual([]);
  });

  it('leaves the file alone where a change is refused, and names what is wrong in it', () => {
    const company = home();
    writeFileSync(company.projectsFile, '{"projects": [{"id": "x", "forge": "github"}]}');
    const before = readFileSync(company.projectsFile, 'utf8');
    expect(addProject(company, { cwd: '/', url: 'https://example.org/x' })).toMatchObject({
      ok: false,
      error: { code: 'AC_PROJECTS_UNREADABLE', message: expect.stringContaining('projects.0') },
    });
    expect(readFileSync(company.projectsFile, 'utf8')).toBe(before);
  });

  it('C2 names a bad credential type, and takes ssh_agent only with the opt-in', () => {
    const company = home();
    const base = {
      id: 'x',
      name: 'x',
      git_url: 'https://example.org/x',
      default_branch: 'main',
      integration_branch: 'main',
    };
    const write = (credentials: unknown): void =>
      writeFileSync(company.projectsFile, JSON.stringify({ projects: [{ ...base, git_credentials: credentials }] }));
    write({ type: 'password', password: 'x' });
    expect(listProjects(company)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('projects.0.git_credentials.type') },
    });
    write({ type: 'token', token: 'ghp_secret' });
    expect(listProjects(company)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('git_credentials.token') },
    });
    write({ type: 'ssh_agent' });
    const project = unwrap(showProject(company, 'x'));
    expect(checkCredentials(project, { allow_ssh_agent: false })).toMatchObject({
      ok: false,
      error: { code: 'AC_PROJECT_CREDENTIALS' },
    });
    expect(checkCredentials(project, { allow_ssh_agent: true })).toMatchObject({ ok: true });
  });
});
