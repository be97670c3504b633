import { request, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { failure, success, type Result } from '@agentcompany/protocol';
import { containerErrors } from '../errors.ts';
import { DockerEngine } from './docker-engine.ts';
import { engineFailure } from './engine-failure.ts';
import { followImage } from './image-progress.ts';

const silenceMs = 120_000;

/** What carrying an image between two engines needs: the sockets of both, and the image's id or name at the first. A name goes with it. */
export interface CarriedImage {
  readonly from: string;
  readonly to: string;
  readonly image: string;
}

function ask(socketPath: string, method: string, path: string): ReturnType<typeof request> {
  const headers = { Host: 'engine', ...(method === 'POST' ? { 'Content-Type': 'application/x-tar' } : {}) };
  const call = request({ socketPath, method, path, headers, agent: false, timeout: silenceMs });
  call.once('timeout', () => call.destroy(new Error(`no answer within ${silenceMs} ms`)));
  return call;
}

function answerOf(call: ReturnType<typeof request>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('error', reject);
    call.once('response', (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      const { statusCode } = response;
      return reject(Object.assign(new Error(`the engine answered ${statusCode}`), { statusCode }));
    });
  });
}

/** Streams the image out of one engine into the other; returns the lines the second one printed. Rejects when either breaks off. */
async function stream({ from, to, image }: CarriedImage): Promise<readonly string[]> {
  const save = ask(from, 'GET', `/images/${encodeURIComponent(image)}/get`);
  save.end();
  const archive = await answerOf(save);
  const load = ask(to, 'POST', '/images/load?quiet=1');
  const loaded = answerOf(load);
  const lines: string[] = [];
  // A source that breaks off destroys the upload: the other engine never takes half an image for a whole one.
  const [, answer] = await Promise.all([pipeline(archive, load), loaded]);
  await followImage(answer, (line) => lines.push(line));
  return lines;
}

/**
 * Carries an image from one engine into another, as `docker save | docker load` would, without a file between them.
 * Returns its id there: the same, unless the two keep images in different ways. One without a name may go with any image made
 * of it: Podman removes such parents. Both sockets are local files.
 * Errors: `AC_IMAGE_UNKNOWN`, `AC_ENGINE_FAILED` and those of an engine that is away.
 */
export async function carryImage(image: CarriedImage): Promise<Result<{ readonly id: string }>> {
  const action = 'carry an image into another engine';
  try {
    const lines = await stream(image);
    const loaded = lines
      .map((line) => /^Loaded image(?: ID)?: (\S+)$/.exec(line)?.[1])
      .find((name) => name !== undefined);
    if (loaded === undefined)
      return failure(containerErrors.AC_ENGINE_FAILED({ action }, new Error(lines.join('; ').slice(0, 500))));
    const found = await new DockerEngine(image.to).imageInspect(loaded);
    return found.ok ? success({ id: found.value.id }) : found;
  } catch (cause) {
    return failure(engineFailure({ address: image.from, action, image: image.image }, cause));
  }
}
