/** Where everything lies inside a worker. `workspace` is the only place that is written. */
export interface WorkerPaths {
  readonly workspace: string;
  readonly repository: string;
  readonly home: string;
  /** Files the runtime makes for the agent: outside the repository, so that they are never committed. */
  readonly task: string;
  readonly bundle: string;
  /** Where a checkout for others is made. */
  readonly preparation: string;
}

export function workerPaths(workspace: string): WorkerPaths {
  return {
    workspace,
    repository: `${workspace}/repository`,
    home: `${workspace}/home`,
    task: `${workspace}/task`,
    bundle: `${workspace}/result.bundle`,
    preparation: '/tmp',
  };
}
