import type { Exchange } from './exchange-store.ts';
import { noUsage, type ModelEvent, type ModelReply } from './model.ts';

/** The events of a whole reply. */
export function eventsOf({ text, toolCalls, usage, stop }: ModelReply): readonly ModelEvent[] {
  return [
    ...(text === '' ? [] : [{ type: 'text', text } as const]),
    ...toolCalls.map((call) => ({ type: 'tool_call', call }) as const),
    { type: 'usage', usage },
    { type: 'end', stop },
  ];
}

/** The same events with texts that follow each other as one. */
export function joinTexts(events: readonly ModelEvent[]): readonly ModelEvent[] {
  const joined: ModelEvent[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) joined.push({ type: 'text', text: texts.join('') });
    texts = [];
  };
  for (const event of events) {
    if (event.type === 'text') {
      texts.push(event.text);
      continue;
    }
    flush();
    joined.push(event);
  }
  flush();
  return joined;
}

/** A recorded exchange as a reply. */
export function replyOf({ provider, model, events, cost_usd }: Exchange): ModelReply {
  const usage = events.findLast((event) => event.type === 'usage')?.usage ?? noUsage;
  return {
    provider,
    model,
    text: events.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join(''),
    toolCalls: events.flatMap((event) => (event.type === 'tool_call' ? [event.call] : [])),
    stop: events.findLast((event) => event.type === 'end')?.stop ?? 'finished',
    usage,
    cost_usd,
  };
}
