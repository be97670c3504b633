import type { AgentDefinition } from '@agentcompany/protocol';

/** What an agent is told of itself before anything else: its prompt, and its personality (W7). */
export function personaWords(definition: Pick<AgentDefinition, 'prompt' | 'personality'> | null): readonly string[] {
  if (definition === null) return [];
  const { prompt, personality } = definition;
  return [
    ...(prompt.trim() === '' ? [] : [prompt.trim()]),
    ...(personality.trim() === '' ? [] : [`Your personality: ${personality.trim()}`]),
  ];
}
