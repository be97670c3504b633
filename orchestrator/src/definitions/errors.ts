import { errorCatalogue } from '@agentcompany/protocol';

/** Errors of agents' definitions (docs/agents.md). */
export const definitionErrors = errorCatalogue({
  AC_AGENT_UNREADABLE: {
    message: 'the definition of an agent cannot be read: {file}',
    remedy: 'Make {file} a readable file of UTF-8 text with at most 256 KiB, or remove it.',
    retry: 'never',
  },
  AC_AGENT_INVALID: {
    message: 'the definition of an agent is not valid: {problem} ({file}{line})',
    remedy: 'Correct {file} (docs/agents.md describes every field), or remove it.',
    retry: 'never',
  },
  AC_AGENT_MODEL_MISSING: {
    message: 'agent {agent} needs a model, and none is configured',
    remedy: 'Set `model` in runtime/state/config.json (docs/models.md), or `model` in the definition of {agent}.',
    retry: 'never',
  },
});
