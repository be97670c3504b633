import { readFileSync } from 'node:fs';
import path from 'node:path';
import { failure, firstProblem, success, type Result } from '@agentcompany/protocol';
import { withFileLock } from './file-lock.ts';
import type { CompanyHome } from './company-home.ts';
import type { Config } from './config.ts';
import { replaceFile } from './durable-file.ts';
import { orchestratorErrors as errors } from './errors.ts';
import { projectSchema, registrySchema, type Project } from './project-schema.ts';
import { judgeUrl } from './git/url-policy.ts';
import { readRepositoryFolder } from './repository-folder.ts';
import { suggestion } from './suggestion.ts';

export type { Project } from './project-schema.ts';

type RegistryHome = Pick<CompanyHome, 'projectsFile'>;

/** All projects in the order they were added; none where there is no registry yet. Error: `AC_PROJECTS_UNREADABLE`. */
export function listProjects(home: RegistryHome): Result<readonly Project[]> {
  const file = home.projectsFile;
  try {
    const parsed = registrySchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (parsed.success) return success(parsed.data.projects);
    return failure(errors.AC_PROJECTS_UNREADABLE({ file, problem: firstProblem(parsed.error) }));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return success([]);
    return failure(errors.AC_PROJECTS_UNREADABLE({ file, problem: 'it is not readable JSON' }, cause));
  }
}

function find(projects: readonly Project[], id: string): Result<Project> {
  const project = projects.find((candidate) => candidate.id === id);
  if (project !== undefined) return success(project);
  return failure(
    errors.AC_PROJECT_UNKNOWN({
      id,
      suggestion: suggestion(
        id,
        projects.map((candidate) => candidate.id),
      ),
    }),
  );
}

/** Errors: `AC_PROJECT_UNKNOWN` with the nearest known id, `AC_PROJECTS_UNREADABLE`. */
export function showProject(home: RegistryHome, id: string): Result<Project> {
  const projects = listProjects(home);
  return projects.ok ? find(projects.value, id) : projects;
}

export interface AddProjectRequest {
  /** Made from the name, else from the last part of URL or folder, where absent. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  /** A folder, absolute or relative to `cwd`. */
  readonly path?: string | undefined;
  readonly cwd: string;
  readonly defaultBranch?: string | undefined;
  readonly integrationBranch?: string | undefined;
  readonly image?: string | undefined;
  /** A person's word that the repository's own recipe may be built on this machine. */
  readonly devcontainer?: boolean | undefined;
  readonly verify?: readonly string[] | undefined;
}

function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
}

interface Source {
  readonly fields: { readonly git_url: string } | { readonly path: string };
  readonly baseName: string;
  readonly branch: string | null;
}

function sourceOf(request: AddProjectRequest): Result<Source> {
  if ((request.url === undefined) === (request.path === undefined)) {
    return failure(
      errors.AC_PROJECT_INVALID({ field: '--url', problem: 'exactly one of --url and --path is expected' }),
    );
  }
  if (request.url !== undefined) {
    const judged = judgeUrl(request.url);
    if (!judged.ok)
      return failure(errors.AC_PROJECT_URL_REFUSED({ problem: judged.error.message }, judged.error.cause));
    return success({
      fields: { git_url: request.url },
      baseName: path.posix.basename(request.url, '.git'),
      branch: 'main',
    });
  }
  const folder = readRepositoryFolder(path.resolve(request.cwd, request.path ?? ''));
  if (!folder.ok) return folder;
  return success({
    fields: { path: folder.value.path },
    baseName: path.basename(folder.value.path, '.git'),
    branch: folder.value.branch,
  });
}

function projectOf(request: AddProjectRequest, source: Source): Result<Project> {
  const defaultBranch = request.defaultBranch ?? source.branch;
  if (defaultBranch === null) return failure(errors.AC_PROJECT_BRANCH_UNKNOWN({ path: request.path ?? '' }));
  const name = request.name ?? source.baseName;
  const parsed = projectSchema.safeParse({
    id: request.id ?? slugOf(name),
    name,
    ...source.fields,
    default_branch: defaultBranch,
    integration_branch: request.integrationBranch ?? defaultBranch,
    forge: 'local',
    ...(request.image === undefined ? {} : { image: request.image }),
    ...(request.devcontainer === true ? { devcontainer: true } : {}),
    ...(request.verify === undefined || request.verify.length === 0 ? {} : { verify: [...request.verify] }),
  });
  if (parsed.success) return success(parsed.data);
  const issue = parsed.error.issues[0];
  return failure(
    errors.AC_PROJECT_INVALID({ field: issue?.path.join('.') ?? '', problem: issue?.message ?? 'unknown problem' }),
  );
}

/** Reads, changes and durably replaces the registry under its lock, so that two commands at once lose nothing. */
function change<Value>(
  home: RegistryHome,
  decide: (projects: readonly Project[]) => Result<{ readonly projects: readonly Project[]; readonly value: Value }>,
): Result<Value> {
  return withFileLock(`${home.projectsFile}.lock.db`, () => {
    const projects = listProjects(home);
    if (!projects.ok) return projects;
    const decided = decide(projects.value);
    if (!decided.ok) return decided;
    replaceFile(home.projectsFile, `${JSON.stringify({ version: 1, projects: decided.value.projects }, null, 2)}\n`);
    return success(decided.value.value);
  });
}

/**
 * Adds a project durably. The default branch of a folder is what its HEAD names, of a URL `main`, unless given.
 * Errors: `AC_PROJECT_URL_REFUSED`, `AC_PROJECT_NOT_REPOSITORY`, `AC_PROJECT_BRANCH_UNKNOWN`, `AC_PROJECT_INVALID`, `AC_PROJECT_EXISTS`, `AC_PROJECTS_BUSY`.
 */
export function addProject(home: RegistryHome, request: AddProjectRequest): Result<Project> {
  const source = sourceOf(request);
  if (!source.ok) return source;
  const project = projectOf(request, source.value);
  if (!project.ok) return project;
  return change(home, (projects) => {
    const same = projects.find((candidate) => candidate.id === project.value.id);
    if (same !== undefined)
      return failure(errors.AC_PROJECT_EXISTS({ id: same.id, source: same.git_url ?? same.path ?? '' }));
    return success({ projects: [...projects, project.value], value: project.value });
  });
}

/** Forgets a project; its runs, mirror and pull requests stay. Errors: `AC_PROJECT_UNKNOWN`, `AC_PROJECTS_BUSY`. */
export function removeProject(home: RegistryHome, id: string): Result<Project> {
  return change(home, (projects) => {
    const project = find(projects, id);
    if (!project.ok) return project;
    return success({ projects: projects.filter((candidate) => candidate.id !== id), value: project.value });
  });
}

/** `ssh_agent` credentials need the company's opt-in (C2). Error: `AC_PROJECT_CREDENTIALS`. */
export function checkCredentials(project: Project, config: Pick<Config, 'allow_ssh_agent'>): Result<undefined> {
  if (project.git_credentials?.type !== 'ssh_agent' || config.allow_ssh_agent) return success();
  return failure(errors.AC_PROJECT_CREDENTIALS({ id: project.id }));
}
