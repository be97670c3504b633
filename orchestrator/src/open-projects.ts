import { join } from 'node:path';
import { success, type Result } from '@agentcompany/protocol';
import type { CompanyHome } from './company-home.ts';
import type { Config } from './config.ts';
import type { ProjectParts } from './engine/parts.ts';
import { absentForge } from './forges/absent-forge.ts';
import { openLocalForge } from './forges/local/open-local-forge.ts';
import type { RunProcess } from './git/capped-process.ts';
import { openRepositories } from './git/open-repositories.ts';
import { checkCredentials, showProject, type Project } from './projects.ts';

/** The git side and the forge of each project, opened once. */
export interface Projects {
  /** Errors: `AC_PROJECT_UNKNOWN`, `AC_PROJECT_CREDENTIALS`, those of git. */
  parts(projectId: string): Promise<Result<ProjectParts>>;
}

/** What the git side of every project is given. */
interface ProjectsOptions {
  readonly onDurableStep?: (step: string) => void;
  readonly runProcess?: RunProcess;
}

export function openProjects(home: CompanyHome, config: Config, options: ProjectsOptions = {}): Projects {
  const opened = new Map<string, ProjectParts>();
  return {
    parts: async (projectId) => {
      const known = opened.get(projectId);
      if (known !== undefined) return success(known);
      const project = showProject(home, projectId);
      if (!project.ok) return project;
      const allowed = checkCredentials(project.value, config);
      if (!allowed.ok) return allowed;
      const parts = openProject(home, project.value, options);
      opened.set(projectId, parts);
      return success(parts);
    },
  };
}

function openProject(home: CompanyHome, project: Project, options: ProjectsOptions): ProjectParts {
  const url = project.path ?? project.git_url ?? '';
  const repositories = openRepositories({
    mirrorFolder: join(home.mirrorsFolder, `${project.id}.git`),
    vaultFolder: join(home.vaultsFolder, `${project.id}.git`),
    quarantineFolder: join(home.quarantineFolder, project.id),
    source: { url, isFolder: project.path !== undefined },
    protectedBranches: [project.default_branch],
    ...options,
  });
  const forge =
    project.path === undefined
      ? absentForge(url)
      : openLocalForge({ folder: join(home.forgeFolder, project.id), repository: url, ...options });
  return { repositories, forge };
}
