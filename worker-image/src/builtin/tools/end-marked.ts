import { readdirSync, readFileSync } from 'node:fs';

const variable = 'AGENTCOMPANY_COMMAND';

/** The variable that tells the processes of one command from all others, whatever session they moved to. */
export function markerOf(id: string): Record<string, string> {
  return { [variable]: id };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function isMarked(pid: string, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker);
  } catch {
    return false;
  }
}

/**
 * Ends all processes of a command: its group, and what left it (`setsid`) but still has its mark. Twice, since a process may start
 * another while the list is read. What drops its mark too is ended with the agent's other strays, before the commit.
 */
export function endMarked(id: string, group: number | null): void {
  if (group !== null) kill(-group);
  for (let round = 0; round < 2; round += 1) {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
    for (const pid of pids) if (isMarked(pid, `${variable}=${id}`)) kill(Number(pid));
  }
}
