import type { AttemptModels } from '../../orchestrator/src/door/attempt-services.ts';
import type { ModelEvent, ModelRequest } from '../../orchestrator/src/models/model.ts';

/** One thing an agent is told to do: a command in its shell, or a tool whose name holds this. */
export type Step = string | { readonly tool: string; readonly input: unknown };

/** What a shell is called by each code agent, and its arguments for a command. */
const shells: Readonly<Record<string, (command: string) => unknown>> = {
  Bash: (command) => ({ command, description: 'a command' }),
  exec_command: (cmd) => ({ cmd }),
  bash: (command) => ({ command, description: 'a command' }),
  run_shell_command: (command) => ({ command, description: 'a command' }),
};

function callOf(step: Step, { tools }: ModelRequest): { readonly name: string; readonly input: unknown } | null {
  const names = tools.map(({ name }) => name);
  if (typeof step !== 'string') {
    const name = names.find((candidate) => candidate.includes(step.tool));
    return name === undefined ? null : { name, input: step.input };
  }
  const name = names.find((candidate) => Object.hasOwn(shells, candidate));
  return name === undefined ? null : { name, input: shells[name]?.(step) };
}

export interface ScriptedModels extends AttemptModels {
  /** All requests so far, as they came out of the wire format. */
  readonly requests: readonly ModelRequest[];
}

/** A model that has these steps taken one after another, and then says that all is done. */
export function scriptedModels(...steps: readonly Step[]): ScriptedModels {
  const requests: ModelRequest[] = [];
  return {
    modelName: 'a-model-nobody-knows',
    maxOutputTokens: 4000,
    temperature: null,
    requests,
    async *stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
      requests.push(request);
      const taken = request.messages.filter(({ role }) => role === 'tool').length;
      const step = steps[taken];
      const call = step === undefined ? null : callOf(step, request);
      if (call === null) yield { type: 'text', text: 'Done: everything is committed.' };
      else yield { type: 'tool_call', call: { ...call, id: `call_${taken}`, problem: null } };
      yield { type: 'usage', usage: { input: 100, output: 20, cache_read: 0, cache_write: 0 } };
      yield { type: 'end', stop: call === null ? 'finished' : 'tool_calls' };
    },
  };
}
