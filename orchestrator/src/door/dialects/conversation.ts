import { failure, success, type Result } from '@agentcompany/protocol';
import type { ModelMessage, ToolCall, UserPart } from '../../models/model.ts';
import type { ToolNames } from './tool-names.ts';

interface GivenCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly signature?: string | undefined;
}

interface GivenResult {
  readonly callId: string;
  readonly text: string;
  readonly isError: boolean;
}

/** Builds our form of a conversation out of the pieces of a foreign one, in their order. The first thing that is wrong is kept. */
export class Conversation {
  readonly #messages: ModelMessage[] = [];
  readonly #system: string[] = [];
  readonly #names: ToolNames;
  /** Names of calls by their id. */
  readonly #calls = new Map<string, string>();
  #problem: string | null = null;

  constructor(names: ToolNames) {
    this.#names = names;
  }

  refuse(problem: string): void {
    this.#problem ??= problem;
  }

  /** Before all else it is the system's text; later it has no place of its own and is told by the user. */
  system(text: string): void {
    if (text === '') return;
    if (this.#messages.length === 0) this.#system.push(text);
    else this.user([{ type: 'text', text }]);
  }

  user(content: readonly UserPart[]): void {
    const parts = content.filter((part) => part.type !== 'text' || part.text !== '');
    if (parts.length > 0) this.#messages.push({ role: 'user', content: parts });
  }

  /** `joins`: it belongs to the assistant's message before it, where there is one. */
  assistant(text: string, calls: readonly GivenCall[], joins = false): void {
    if (text === '' && calls.length === 0) return;
    const toolCalls = calls.map((call) => this.#toCall(call));
    const last = this.#messages.at(-1);
    if (!joins || last?.role !== 'assistant') {
      this.#messages.push({ role: 'assistant', text, toolCalls });
      return;
    }
    const texts = [last.text, text].filter((part) => part !== '');
    this.#messages[this.#messages.length - 1] = {
      role: 'assistant',
      text: texts.join('\n\n'),
      toolCalls: [...last.toolCalls, ...toolCalls],
    };
  }

  /** Results that follow each other are one message: they answer calls of the same answer. */
  results(given: readonly GivenResult[]): void {
    if (given.length === 0) return;
    const results = given.map((result) => ({ ...result, name: this.#nameOf(result.callId) }));
    const last = this.#messages.at(-1);
    if (last?.role === 'tool')
      this.#messages[this.#messages.length - 1] = { role: 'tool', results: [...last.results, ...results] };
    else this.#messages.push({ role: 'tool', results });
  }

  /** Calls without a result so far, oldest first: what formats without ids mean by the name alone. */
  openCalls(): readonly { readonly id: string; readonly name: string }[] {
    const answered = new Set(
      this.#messages.flatMap((message) => (message.role === 'tool' ? message.results.map(({ callId }) => callId) : [])),
    );
    return [...this.#calls].flatMap(([id, name]) => (answered.has(id) ? [] : [{ id, name }]));
  }

  /** How many calls there were. */
  get callCount(): number {
    return this.#calls.size;
  }

  finish(): Result<{ readonly system: string; readonly messages: readonly ModelMessage[] }, string> {
    if (this.#problem !== null) return failure(this.#problem);
    if (this.#messages.length === 0) return failure('there is no message');
    return success({ system: this.#system.join('\n\n'), messages: this.#messages });
  }

  #toCall({ id, name, input, signature }: GivenCall): ToolCall {
    if (this.#calls.has(id)) this.refuse(`the id ${id.slice(0, 100)} is of two calls`);
    const known = this.#names.toNeutral(name);
    this.#calls.set(id, known);
    return { id, name: known, input, problem: null, ...(signature === undefined ? {} : { signature }) };
  }

  #nameOf(callId: string): string {
    const name = this.#calls.get(callId);
    if (name === undefined) this.refuse(`there is a result of a call ${callId.slice(0, 100)} that was not made`);
    return name ?? '';
  }
}
