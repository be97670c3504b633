import type { AttemptModels } from '../../orchestrator/src/door/attempt-services.ts';
import type { ModelEvent, ModelRequest } from '../../orchestrator/src/models/model.ts';

/** What a shell is called by each code agent, and the argument that is its command. */
const shells: Readonly<Record<string, (command: string) => object>> = {
  Bash: (command) => ({ command, description: 'a command' }),
  exec_command: (cmd) => ({ cmd }),
  bash: (command) => ({ command, description: 'a command' }),
  run_shell_command: (command) => ({ command, description: 'a command' }),
};

export interface ScriptedModels extends AttemptModels {
  /** All requests so far, as they came out of the wire format. */
  readonly requests: readonly ModelRequest[];
}

/** A model that has `command` run in the agent's shell once, and then says it is done; `null`: only says so. */
export function scriptedModels(command: string | null, modelName = 'a-model-nobody-knows'): ScriptedModels {
  const requests: ModelRequest[] = [];
  return {
    modelName,
    maxOutputTokens: 4000,
    temperature: null,
    requests,
    async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
      requests.push(request);
      const shell = request.tools.map(({ name }) => name).find((name) => Object.hasOwn(shells, name));
      const wasRun = request.messages.some(({ role }) => role === 'tool');
      if (command !== null && shell !== undefined && !wasRun) {
        const input = shells[shell]?.(command);
        yield { type: 'tool_call', call: { id: 'call_1', name: shell, input, problem: null } };
        yield { type: 'usage', usage: { input: 100, output: 20, cache_read: 0, cache_write: 0 } };
        yield { type: 'end', stop: 'tool_calls' };
        return;
      }
      yield { type: 'text', text: 'Done: everything is committed.' };
      yield { type: 'usage', usage: { input: 100, output: 20, cache_read: 0, cache_write: 0 } };
      yield { type: 'end', stop: 'finished' };
    },
  };
}
