import type { z } from 'zod';
import { noUsage, type Usage } from '../../models/model.ts';
import { answerEvents, type AnsweredCall, type AnswerEvent, type AnswerStop } from './answer-events.ts';
import type { DialectRequest } from './dialect.ts';
import { requestFault, type Fault } from './faults.ts';
import type { Asked, Read } from './request-parts.ts';

/** A whole answer. */
export interface Reply {
  readonly text: string;
  readonly calls: readonly AnsweredCall[];
  readonly stop: AnswerStop;
  readonly usage: Usage;
}

/** Writes one answer piece by piece; every method gives what goes over the wire, '' for nothing. */
export interface AnswerWriter {
  /** `usage`: what is known of it by then. */
  begin(usage: Usage): string;
  text(text: string): string;
  call(call: AnsweredCall): string;
  end(stop: AnswerStop, usage: Usage): string;
  /** Instead of the end. */
  broken(fault: Fault): string;
}

export interface FaultAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** How a wire format writes answers. */
export interface AnswerForm {
  readonly contentType: string;
  /** What may be sent while the model is silent; null: the format has nothing. */
  readonly keepAlive: string | null;
  /** It has a word for an answer that the model declined. */
  readonly hasRefusal: boolean;
  readonly writer: () => AnswerWriter;
  readonly whole: (reply: Reply) => unknown;
  readonly fault: (fault: Fault) => FaultAnswer;
}

/** Milliseconds of a model's silence after which an agent is told that all is well. */
const keepAliveMs = 10_000;

/** Answers with a fault in the format's own form. */
export function refuse(request: DialectRequest, form: Pick<AnswerForm, 'fault'>, fault: Fault): void {
  const { status, body } = form.fault(fault);
  const { retryAfterMs } = fault;
  const mayHelp = fault.kind === 'rate-limit' || fault.kind === 'overloaded';
  request.answer(status, body, {
    // The libraries of Anthropic and OpenAI go by it.
    'x-should-retry': String(mayHelp),
    ...(retryAfterMs === null || !mayHelp ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
  });
}

/** The body of a request, or null where it was refused. */
export async function readBody<Value>(
  request: DialectRequest,
  form: Pick<AnswerForm, 'fault'>,
  schema: z.ZodType<Value>,
): Promise<Value | null> {
  const body = await request.readJson(schema);
  if (body.ok) return body.value;
  refuse(request, form, requestFault(body.status === 413 ? 'too-large' : 'invalid', body.problem));
  return null;
}

/** Asks the model what was read, and writes its answer. A fault before the first piece has a status of its own. */
export async function converse(request: DialectRequest, read: Read, form: AnswerForm): Promise<void> {
  if (!read.ok) return refuse(request, form, requestFault('invalid', read.error));
  const asked = read.value;
  return asked.isStream ? converseInPieces(request, asked, form) : converseWhole(request, asked, form);
}

function eventsOf({ models, signal }: DialectRequest, asked: Asked, form: AnswerForm): AsyncGenerator<AnswerEvent> {
  return answerEvents(models, { ...asked, signal, hasRefusal: form.hasRefusal });
}

async function converseWhole(request: DialectRequest, asked: Asked, form: AnswerForm): Promise<void> {
  const texts: string[] = [];
  const calls: AnsweredCall[] = [];
  let usage = noUsage;
  for await (const event of eventsOf(request, asked, form)) {
    if (event.type === 'failed') return refuse(request, form, event.fault);
    if (event.type === 'text') texts.push(event.text);
    else if (event.type === 'call') calls.push(event.call);
    else if (event.type === 'usage') usage = event.usage;
    else return request.answer(200, form.whole({ text: texts.join(''), calls, stop: event.stop, usage }));
  }
  return undefined;
}

async function converseInPieces(request: DialectRequest, asked: Asked, form: AnswerForm): Promise<void> {
  const pauseMs = form.keepAlive === null ? null : keepAliveMs;
  const source = withPauses(eventsOf(request, asked, form), pauseMs);
  let usage = noUsage;
  let first = await source.next();
  while (first.value?.type === 'usage') {
    ({ usage } = first.value);
    first = await source.next();
  }
  if (first.value?.type === 'failed') {
    await source.return(undefined);
    return refuse(request, form, first.value.fault);
  }
  const headers = { 'content-type': form.contentType, 'cache-control': 'no-cache' };
  return request.stream(headers, pieces({ form, source, first, usage }));
}

/** Nothing came for a while. */
type Pause = { readonly type: 'pause' };
type Source = AsyncGenerator<AnswerEvent | Pause, undefined>;

interface Begun {
  readonly form: AnswerForm;
  readonly source: Source;
  readonly first: IteratorResult<AnswerEvent | Pause, undefined>;
  readonly usage: Usage;
}

async function* pieces({ form, source, first, usage: known }: Begun): AsyncGenerator<string> {
  const writer = form.writer();
  let usage = known;
  try {
    yield writer.begin(usage);
    for (let { value: event } = first; event !== undefined; { value: event } = await source.next()) {
      if (event.type === 'usage') ({ usage } = event);
      else yield piece(writer, form, event, usage);
    }
  } finally {
    await source.return(undefined);
  }
}

function piece(
  writer: AnswerWriter,
  form: AnswerForm,
  event: Exclude<AnswerEvent | Pause, { type: 'usage' }>,
  usage: Usage,
): string {
  switch (event.type) {
    case 'text':
      return writer.text(event.text);
    case 'call':
      return writer.call(event.call);
    case 'end':
      return writer.end(event.stop, usage);
    case 'failed':
      return writer.broken(event.fault);
    case 'pause':
      return form.keepAlive ?? '';
  }
}

/** The events, and a pause for every `pauseMs` without one; null: no pauses. */
async function* withPauses(events: AsyncGenerator<AnswerEvent>, pauseMs: number | null): Source {
  let pending: Promise<IteratorResult<AnswerEvent>> | null = null;
  try {
    for (;;) {
      pending ??= events.next();
      const next = pauseMs === null ? await pending : await within(pending, pauseMs);
      if (next === null) {
        yield { type: 'pause' };
        continue;
      }
      if (next.done === true) return undefined;
      pending = null;
      yield next.value;
    }
  } finally {
    // One who went away midway does not wait for the model to notice.
    void events.return(undefined).catch(() => undefined);
  }
}

async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | null> {
  const { promise: pause, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  try {
    return await Promise.race([promise, pause]);
  } finally {
    clearTimeout(timer);
  }
}
