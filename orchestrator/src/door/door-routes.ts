import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { doorPaths, nextRequest, progressRequest, workReport } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import { readAnnouncement } from './bundle-request.ts';
import type { DoorEnd, DoorOptions } from './door-events.ts';
import { bodyBytes } from './door-limits.ts';
import { knownError } from './known-error.ts';
import { ProgressThrottle } from './progress-throttle.ts';
import { readBody } from './read-body.ts';
import { rememberFailures, type RememberedFailures } from './remember-failures.ts';
import { reportProblem } from './report-problem.ts';
import { serveAttempt } from './serve-attempt.ts';
import { storeUpload, type StoredUpload } from '../uploads/store-upload.ts';

/** The routes of one worker's door, and the little state they share. `end` is called when the work has an end. */
export class DoorRoutes {
  readonly #options: DoorOptions;
  readonly #end: (end: DoorEnd) => void;
  readonly #beat: () => void;
  readonly #progressThrottle: ProgressThrottle;
  readonly #remembered: RememberedFailures;
  #isOrderGiven = false;
  #isUploading = false;
  #bundle: StoredUpload | null = null;

  constructor(options: DoorOptions, events: { readonly end: (end: DoorEnd) => void; readonly beat: () => void }) {
    this.#options = options;
    this.#remembered = rememberFailures(options.services);
    this.#end = events.end;
    this.#beat = events.beat;
    this.#progressThrottle = new ProgressThrottle(options.limits.progressMs, options.onProgress);
  }

  stop(): void {
    this.#progressThrottle.stop();
  }

  /** Answers one request. Never rejects for what the worker sent; a broken stream only ends the request. */
  async handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const route = `${headers[':method']} ${headers[':path']}`;
    if (route === `POST ${doorPaths.next}`) return this.#next(stream);
    if (route === `POST ${doorPaths.progress}`) return this.#progress(stream);
    if (route === `PUT ${doorPaths.bundle}`) return this.#upload(stream, headers);
    if (route === `POST ${doorPaths.complete}`) return this.#complete(stream);
    const isServed =
      this.#isOrderGiven &&
      (await serveAttempt({ stream, headers, services: this.#remembered.services, beat: this.#beat }));
    if (!isServed) answer(stream, 404, { problem: 'there is no such route' });
  }

  async #next(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.next, nextRequest);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    if (this.#isOrderGiven) return answer(stream, 409, { problem: 'the order was given already' });
    const differences = this.#options.differences(body.value.report);
    if (differences.length > 0) {
      answer(stream, 403, { problem: 'not confined as asked' });
      return this.#end({ kind: 'unconfined', differences });
    }
    this.#isOrderGiven = true;
    answer(stream, 200, this.#options.order);
  }

  async #progress(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.progress, progressRequest);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    this.#beat();
    this.#options.onSign?.(body.value);
    this.#progressThrottle.push(body.value.message);
    answer(stream, 204);
  }

  async #upload(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const announced = readAnnouncement(headers);
    const { bundleFile, limits } = this.#options;
    if (bundleFile === null || !this.#isOrderGiven) return answer(stream, 404, { problem: 'no bundle is expected' });
    if (announced === null) return answer(stream, 411, { problem: 'content-length and content-digest are needed' });
    if (announced.bytes > limits.bundleBytes)
      return answer(stream, 413, { problem: `a bundle may have ${limits.bundleBytes} bytes` });
    if (this.#bundle !== null) {
      const isSame = this.#bundle.sha256 === announced.sha256;
      return isSame
        ? answer(stream, 200, this.#bundle)
        : answer(stream, 409, { problem: 'another bundle was stored already' });
    }
    if (this.#isUploading) return answer(stream, 409, { problem: 'an upload is under way' });
    this.#isUploading = true;
    const stored = await storeUpload({
      ...announced,
      body: stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
      file: bundleFile,
    });
    this.#isUploading = false;
    if (stored.outcome === 'mismatch') return answer(stream, 400, { problem: stored.problem });
    if (stored.outcome === 'disk') {
      // A worker that went away in the middle looks the same from here; then the session's own end comes first or instead.
      if (stream.destroyed) return undefined;
      answer(stream, 507, { problem: 'the host could not store the bundle' });
      return this.#end({ kind: 'storage', file: bundleFile, cause: stored.cause });
    }
    this.#bundle = stored.stored;
    return answer(stream, 200, stored.stored);
  }

  async #complete(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.complete, workReport);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    const problem = this.#isOrderGiven
      ? reportProblem(this.#options.order, body.value, this.#bundle !== null, this.#remembered.told)
      : 'a report came before any order was given';
    if (problem !== null) {
      answer(stream, 422, { problem });
      return this.#end({ kind: 'garbage', problem, cause: null });
    }
    answer(stream, 204);
    const { error } = body.value;
    const known = error === null ? null : knownError(error, this.#remembered.told);
    this.#end({ kind: 'reported', report: { ...body.value, error: known }, bundle: this.#bundle });
  }
}
