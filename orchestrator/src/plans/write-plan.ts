import type { Plan } from '@agentcompany/protocol';
import { yamlText } from '../documents/yaml-document.ts';

/** Fields that say what they would say by their absence are left out: a person reads and edits the file. */
function told(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== '' && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** A plan as the text of a plan file, which read again is the same plan. */
export function writePlan({ version, tasks, ...whole }: Plan): string {
  return yamlText({ version, ...told(whole), tasks: tasks.map(told) });
}
