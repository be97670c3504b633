import { failure, success, type Result } from '@agentcompany/protocol';
import { engineFailure, type CallSubject } from './engine-failure.ts';

/** The result of a call to an engine: what it threw becomes the coded error of `engineFailure`. */
export async function engineCall<Value>(subject: CallSubject, work: () => Promise<Value>): Promise<Result<Value>> {
  try {
    return success(await work());
  } catch (cause) {
    return failure(engineFailure(subject, cause));
  }
}
