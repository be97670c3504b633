import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { unwrap } from '@agentcompany/protocol';
import Docker from 'dockerode';
import { engineSocket } from '../dod/engine-address.ts';
import type { WorkerFixture } from './worker-fixture.ts';

const run = promisify(execFile);

/** Images that one test file makes and removes, under a name of its own. */
export class TestImages {
  readonly repository: string = `agentcompany-test-${randomUUID()}`;
  readonly docker: Docker = new Docker({ socketPath: unwrap(engineSocket(process.env['DOCKER_HOST'] ?? null)) });
  readonly #fixture: WorkerFixture;
  readonly #made: string[] = [];

  constructor(fixture: WorkerFixture) {
    this.#fixture = fixture;
  }

  /** The worker image with these lines of a Dockerfile on top. */
  async built(...lines: readonly string[]): Promise<string> {
    const tag = this.#next();
    const folder = join(this.#fixture.folder, tag.replace(':', '-'));
    await mkdir(folder);
    await writeFile(join(folder, 'Dockerfile'), [`FROM ${this.#fixture.image}`, ...lines, ''].join('\n'));
    await run('tar', ['-cf', `${folder}.tar`, '-C', folder, 'Dockerfile']);
    const said: string[] = [];
    const onLine = (line: string): unknown => said.push(line);
    const built = await this.#fixture.engine.imageBuild(createReadStream(`${folder}.tar`), { tag, onLine });
    if (!built.ok) throw new Error(`${built.error.cause}\n${said.join('\n')}`);
    return tag;
  }

  async imported(archive: Readable, changes: readonly string[] = []): Promise<string> {
    const tag = this.#next();
    unwrap(await this.#fixture.engine.imageImport(archive, { tag, changes }));
    return tag;
  }

  /** Gives the image a name in the place of the one it was made under. */
  async renamed(reference: string, name: string): Promise<void> {
    const [repo = '', tag = ''] = name.split(':');
    await this.docker.getImage(reference).tag({ repo, tag });
    this.#made.push(name);
    await this.docker.getImage(reference).remove();
  }

  async remove(): Promise<void> {
    for (const tag of this.#made.splice(0).toReversed())
      await this.docker
        .getImage(tag)
        .remove({ force: true })
        .catch((cause: { statusCode?: number }) => {
          if (cause.statusCode !== 404) throw cause;
        });
  }

  #next(): string {
    const tag = `${this.repository}:${this.#made.length}`;
    this.#made.push(tag);
    return tag;
  }
}
