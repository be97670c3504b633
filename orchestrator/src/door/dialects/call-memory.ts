import type { ModelMessage, ModelRequest, ToolCall } from '../../models/model.ts';
import type { AttemptModels } from '../attempt-services.ts';

/** Characters of signatures that are kept for one attempt; the oldest go first. */
const maximumCharacters = 8 * 1024 * 1024;

class CallMemory {
  readonly #signatures = new Map<string, string>();
  #characters = 0;

  keep(id: string, signature: string): void {
    this.#drop(id);
    this.#signatures.set(id, signature);
    this.#characters += signature.length;
    for (const oldest of this.#signatures.keys()) {
      if (this.#characters <= maximumCharacters) return;
      this.#drop(oldest);
    }
  }

  get(id: string): string | undefined {
    return this.#signatures.get(id);
  }

  #drop(id: string): void {
    this.#characters -= this.#signatures.get(id)?.length ?? 0;
    this.#signatures.delete(id);
  }
}

/** Gone with the attempt: its conversation is then gone as well. */
const memories = new WeakMap<AttemptModels, CallMemory>();

/** Keeps what the provider wants to see again with a call, for formats that have no place for it. */
export function keepSignature(models: AttemptModels, { id, signature }: ToolCall): void {
  if (signature === undefined) return;
  const memory = memories.get(models) ?? new CallMemory();
  memories.set(models, memory);
  memory.keep(id, signature);
}

/** The request with the signatures of its calls that its format could not carry. */
export function withSignatures(models: AttemptModels, request: ModelRequest): ModelRequest {
  const memory = memories.get(models);
  if (memory === undefined) return request;
  const recalled = (call: ToolCall): ToolCall => {
    const signature = call.signature ?? memory.get(call.id);
    return signature === undefined ? call : { ...call, signature };
  };
  const messages = request.messages.map((message): ModelMessage =>
    message.role === 'assistant' ? { ...message, toolCalls: message.toolCalls.map(recalled) } : message,
  );
  return { ...request, messages };
}
