import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { AgentsImage } from './containers/agents-image/build-agents-image.ts';
import { replaceFile } from './durable-file.ts';

const record = z.object({
  reference: z.string(),
  id: z.string(),
  base: z.string(),
  agents: z.record(z.string(), z.string()),
});

const recordFile = (installation: string): string => path.join(installation, '.cache', 'agents-image.json');

/** The image with code agents that was built last; null where there is none, or its record cannot be read. */
export async function readAgentsImage(installation: string): Promise<AgentsImage | null> {
  try {
    return record.parse(JSON.parse(await readFile(recordFile(installation), 'utf8')));
  } catch {
    return null;
  }
}

/** Makes `image` the one that workers with code agents are made from, durably. Throws what the file system throws. */
export function recordAgentsImage(installation: string, image: AgentsImage): void {
  replaceFile(recordFile(installation), `${JSON.stringify(image, null, 2)}\n`);
}

/** Id of the image that has this agent on top of the worker image `base`; null where there is none, or it stands on an older one. */
export async function imageWithAgent(installation: string, base: string, agent: string): Promise<string | null> {
  const image = await readAgentsImage(installation);
  return image !== null && image.base === base && Object.hasOwn(image.agents, agent) ? image.id : null;
}
