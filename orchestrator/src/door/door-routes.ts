import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { doorPaths, nextRequest, progressRequest, workReport } from '@agentcompany/protocol';
import { answer } from './answer.ts';
import { readAnnouncement } from './bundle-request.ts';
import type { DoorEnd, DoorTerms, DoorWork } from './door-events.ts';
import { bodyBytes } from './door-limits.ts';
import { knownError } from './known-error.ts';
import { ProgressThrottle } from './progress-throttle.ts';
import { readBody } from './read-body.ts';
import { rememberFailures, type RememberedFailures } from './remember-failures.ts';
import { reportProblem } from './report-problem.ts';
import { serveAttempt } from './serve-attempt.ts';
import { storeUpload, type StoredUpload } from '../uploads/store-upload.ts';

interface RouteEvents {
  /** The work has an end. */
  readonly end: (end: DoorEnd) => void;
  readonly beat: () => void;
  /** The worker is confined as asked and its first pull is pending. */
  readonly waiting: () => void;
}

/** What a worker that has work shares between its requests. */
interface Assigned extends DoorWork {
  readonly throttle: ProgressThrottle;
  readonly remembered: RememberedFailures;
}

/** The routes of one worker's door, and the little state they share. */
export class DoorRoutes {
  readonly #terms: DoorTerms;
  readonly #events: RouteEvents;
  #work: Assigned | null = null;
  /** A pull that waits for work. */
  #pull: ServerHttp2Stream | null = null;
  #isOrderGiven = false;
  #isUploading = false;
  #bundle: StoredUpload | null = null;

  constructor(terms: DoorTerms, events: RouteEvents) {
    this.#terms = terms;
    this.#events = events;
  }

  /** Gives the worker its one piece of work: at once where its pull is pending, else with its first. */
  assign(work: DoorWork): void {
    if (this.#work !== null) throw new Error('a worker is given work once');
    const throttle = new ProgressThrottle(this.#terms.limits.progressMs, work.onProgress);
    this.#work = { ...work, throttle, remembered: rememberFailures(work.services) };
    const pull = this.#pull;
    this.#pull = null;
    if (pull !== null) this.#giveOrder(pull, work);
  }

  stop(): void {
    this.#work?.throttle.stop();
  }

  /** Answers one request. Never rejects for what the worker sent; a broken stream only ends the request. */
  async handle(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const route = `${headers[':method']} ${headers[':path']}`;
    if (route === `POST ${doorPaths.next}`) return this.#next(stream);
    if (route === `POST ${doorPaths.progress}`) return this.#progress(stream);
    if (route === `PUT ${doorPaths.bundle}`) return this.#upload(stream, headers);
    if (route === `POST ${doorPaths.complete}`) return this.#complete(stream);
    const services = this.#isOrderGiven ? this.#work?.remembered.services : undefined;
    const isServed =
      services !== undefined && (await serveAttempt({ stream, headers, services, beat: this.#events.beat }));
    if (!isServed) answer(stream, 404, { problem: 'there is no such route' });
  }

  async #next(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.next, nextRequest);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    const differences = await this.#terms.differences(body.value.report);
    if (differences.length > 0) {
      answer(stream, 403, { problem: 'not confined as asked' });
      return this.#events.end({ kind: 'unconfined', differences });
    }
    if (stream.closed) return;
    if (this.#isOrderGiven) return answer(stream, 409, { problem: 'the order was given already' });
    if (this.#pull !== null) return answer(stream, 409, { problem: 'a pull is pending already' });
    if (this.#work !== null) return this.#giveOrder(stream, this.#work);
    this.#pull = stream;
    stream.once('close', () => {
      if (this.#pull === stream) this.#pull = null;
    });
    this.#events.waiting();
  }

  #giveOrder(stream: ServerHttp2Stream, { order }: DoorWork): void {
    this.#isOrderGiven = true;
    answer(stream, 200, order);
  }

  async #progress(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.progress, progressRequest);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    // Before it has work there is nothing it could tell of.
    if (this.#work === null) return answer(stream, 409, { problem: 'no order was given' });
    this.#events.beat();
    this.#work.onSign?.(body.value);
    this.#work.throttle.push(body.value.message);
    answer(stream, 204);
  }

  async #upload(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const announced = readAnnouncement(headers);
    const { limits } = this.#terms;
    const bundleFile = this.#isOrderGiven ? (this.#work?.bundleFile ?? null) : null;
    if (bundleFile === null) return answer(stream, 404, { problem: 'no bundle is expected' });
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
      return this.#events.end({ kind: 'storage', file: bundleFile, cause: stored.cause });
    }
    this.#bundle = stored.stored;
    return answer(stream, 200, stored.stored);
  }

  async #complete(stream: ServerHttp2Stream): Promise<void> {
    const body = await readBody(stream, bodyBytes.complete, workReport);
    if (!body.ok) return answer(stream, body.status, { problem: body.problem });
    const work = this.#isOrderGiven ? this.#work : null;
    const told = work?.remembered.told;
    const problem =
      work === null
        ? 'a report came before any order was given'
        : reportProblem(work.order, body.value, this.#bundle !== null, told);
    if (problem !== null) {
      answer(stream, 422, { problem });
      return this.#events.end({ kind: 'garbage', problem, cause: null });
    }
    answer(stream, 204);
    const { error } = body.value;
    const known = error === null ? null : knownError(error, told);
    this.#events.end({ kind: 'reported', report: { ...body.value, error: known }, bundle: this.#bundle });
  }
}
