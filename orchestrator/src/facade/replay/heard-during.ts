import type { RecordedExchange } from '../../models/exchange-store.ts';
import type { ModelRequest } from '../../models/model.ts';

/**
 * When an agent heard a note: from its first request on, in the request after the one with this digest, or not at all in this piece of
 * work.
 */
export type Heard = { readonly when: 'first' | 'never' } | { readonly when: 'after'; readonly digest: string };

/**
 * When the agent of one piece of work heard a note, from what it asked its model. `earlier`: how many notes with the same words it had
 * heard before. What agents and tools say is no sign of it; what people said is.
 */
export function heardDuring(note: string, exchanges: readonly RecordedExchange[], earlier: number): Heard {
  const counted = exchanges.map(({ key, exchange: { request } }) => {
    const order = [request.messages.length, JSON.stringify(request).length] as const;
    return { digest: key.digest, order, count: countOf(note, request) };
  });
  const least = Math.min(...counted.map(({ count }) => count));
  const without = counted.filter(({ count }) => count <= least + earlier);
  if (without.length === counted.length) return { when: counted.length > 0 && least > earlier ? 'first' : 'never' };
  const ordered = without.toSorted((one, other) => one.order[0] - other.order[0] || one.order[1] - other.order[1]);
  const last = ordered.at(-1);
  return last === undefined ? { when: 'first' } : { when: 'after', digest: last.digest };
}

function countOf(note: string, { messages }: ModelRequest): number {
  const said = messages.flatMap((message) => (message.role === 'user' ? [textOf(message)] : [])).join('\n');
  return said.split(note).length - 1;
}

function textOf({ content }: Extract<ModelRequest['messages'][number], { role: 'user' }>): string {
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}
