import { spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { agentPackages, agentsFolder, type CodeAgent, type Processor } from './agent-packages.ts';

/** An agent as npm installed it. */
export interface InstalledAgent {
  readonly agent: CodeAgent;
  /** Absolute; its last part names what it is made of. */
  readonly folder: string;
  readonly version: string;
}

/**
 * The recipe: a layer for each agent on top of the worker image, then each started once, as the worker's user and without a home to
 * write to, so that a broken installation is found now. Nothing that the base image does not have is declared (S13).
 */
export function dockerfile(baseId: string, agents: readonly InstalledAgent[]): string {
  const copies = agents.map(({ agent, folder }) => `COPY ${path.basename(folder)} ${agentsFolder}/${agent}`);
  const trials = agents.map(
    ({ agent, version }) =>
      `RUN said="$(HOME=/dev/shm TMPDIR=/dev/shm ${agentsFolder}/bin/${agent} --version 2>&1 </dev/null)"; ` +
      `echo "${agent}: $said" | head -c 2000; case "$said" in *${version}*) ;; *) exit 1 ;; esac`,
  );
  return [`FROM ${baseId}`, ...copies, `COPY bin ${agentsFolder}/bin`, ...trials, ''].join('\n');
}

/** The build context as a tar archive: the recipe and `bin` made in `room`, the agents from where they were installed. */
export async function buildContext(
  room: string,
  baseId: string,
  agents: readonly InstalledAgent[],
  processor: Processor,
): Promise<Readable> {
  await writeFile(path.join(room, 'Dockerfile'), dockerfile(baseId, agents));
  await mkdir(path.join(room, 'bin'), { mode: 0o755 });
  for (const { agent } of agents)
    await symlink(`../${agent}/${agentPackages[agent].program(processor)}`, path.join(room, 'bin', agent));
  const folders = agents.flatMap(({ folder }) => ['-C', path.dirname(folder), path.basename(folder)]);
  const archiver = spawn('tar', ['-cf', '-', '-C', room, 'Dockerfile', 'bin', ...folders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  archiver.once('error', (cause) => archiver.stdout.destroy(cause));
  archiver.once('close', (status) => {
    if (status !== 0) archiver.stdout.destroy(new Error(`tar ended with ${status ?? 'a signal'}`));
  });
  return archiver.stdout;
}
