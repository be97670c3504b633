import { success } from '@agentcompany/protocol';
import { modelErrors as errors } from '../errors.ts';
import { requestDigest } from '../metered-model.ts';
import type { ModelEvent, ModelProvider, ModelRequest } from '../model.ts';
import type { Recording } from './recording.ts';

/**
 * A provider that answers as another one did, from its recording: nothing is sent, no key is needed. It can what that one can, because
 * what is asked depends on it. A request that was not recorded fails with `AC_MODEL_UNRECORDED`.
 */
export function openRecorded(
  { name, capabilities }: Pick<ModelProvider, 'name' | 'capabilities'>,
  recording: Recording,
): ModelProvider {
  return {
    name,
    capabilities,
    stream: (_, request, signal) => answer(recording, request, signal),
    check: async () => success(),
  };
}

async function* answer(recording: Recording, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
  const exchange = signal.aborted ? null : await recording.take(request);
  if (exchange !== null) return yield* exchange.events;
  const error = signal.aborted
    ? errors.AC_MODEL_ABORTED()
    : errors.AC_MODEL_UNRECORDED({ digest: requestDigest(request) });
  yield { type: 'failed', error, retryAfterMs: null };
}
