import { success } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noServices, type AttemptModels } from '../door/attempt-services.ts';
import type { ModelRequest } from '../models/model.ts';
import { AttemptActivity } from './attempt-activity.ts';

let activity: AttemptActivity;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  activity = new AttemptActivity();
});
afterEach(() => vi.useRealTimers());

const usage = { input: 5, output: 2, cache_read: 0, cache_write: 0 };
const request: ModelRequest = {
  system: '',
  messages: [],
  tools: [],
  answerSchema: null,
  maxOutputTokens: 1,
  temperature: null,
  cachePrefix: false,
};
const models: AttemptModels = {
  modelName: 'm',
  maxOutputTokens: 1,
  temperature: null,
  async *stream() {
    yield { type: 'text', text: 'a' };
    yield { type: 'usage', usage };
    yield { type: 'end', stop: 'finished' };
  },
};

describe('what a host sees of an attempt', () => {
  it('takes a beat that repeats a step for no progress, and the same words in a new step for one', () => {
    activity.sign({ message: 'Bash', step: 1, allowed_seconds: 30 });
    vi.advanceTimersByTime(10_000);
    activity.sign({ message: 'Bash', step: 1, allowed_seconds: 30 });
    expect(activity.status(60)).toEqual({
      status: 'Bash',
      steps: 1,
      turn: 0,
      tokens: 0,
      quiet_seconds: 10,
      allowed_seconds: 20,
    });
    activity.sign({ message: 'Bash', step: 2 });
    expect(activity.status(60)).toMatchObject({ steps: 2, quiet_seconds: 0, allowed_seconds: 0 });
    activity.sign({ message: 'Bash', step: 1 });
    expect(activity.status(60)).toMatchObject({ steps: 2 });
  });

  it('goes by the words of a worker that counts no steps', () => {
    activity.sign({ message: 'working' });
    activity.sign({ message: 'working' });
    activity.sign({ message: 'checking' });
    expect(activity.status(60)).toMatchObject({ status: 'checking', steps: 2 });
  });

  it('takes waiting for a model or a tool of the host for no standing still, and its answer for progress', async () => {
    const answered = Promise.withResolvers<void>();
    const tools = { list: async () => success([]), call: async () => (await answered.promise, success('x')) };
    const watched = activity.watch({ ...noServices, models, tools });
    const calling = watched.tools?.call('ask_person', {}, new AbortController().signal);
    vi.advanceTimersByTime(500_000);
    expect(activity.status(60)).toMatchObject({ steps: 1, quiet_seconds: 500, allowed_seconds: 60 });
    answered.resolve();
    await calling;
    expect(activity.status(60)).toMatchObject({ steps: 2, quiet_seconds: 0, allowed_seconds: 0 });
    const events: string[] = [];
    for await (const { type } of watched.models?.stream(request, new AbortController().signal) ?? []) events.push(type);
    expect(events).toEqual(['text', 'usage', 'end']);
    expect(activity.status(60)).toMatchObject({ steps: 4, turn: 1, tokens: 7, allowed_seconds: 0 });
  });

  it('does not hang on a model that a worker leaves in the middle', async () => {
    const watched = activity.watch({ ...noServices, models });
    for await (const event of watched.models?.stream(request, new AbortController().signal) ?? [])
      if (event.type === 'text') break;
    expect(activity.status(60)).toMatchObject({ turn: 1, allowed_seconds: 0 });
  });
});
