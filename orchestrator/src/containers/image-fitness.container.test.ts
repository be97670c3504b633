import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unwrap } from '@agentcompany/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestImages } from './testing/test-images.ts';
import { WorkerFixture } from './testing/worker-fixture.ts';

const run = promisify(execFile);

describe('images that are not ours', () => {
  let fixture: WorkerFixture;
  let images: TestImages;
  beforeAll(async () => {
    fixture = await WorkerFixture.open();
    images = new TestImages(fixture);
  });
  afterAll(async () => {
    await images.remove();
    await fixture.close();
  });

  it('an image without Node and without the C++ library does a task: both are brought in', async () => {
    const image = await images.built('USER 0', 'RUN rm /usr/local/bin/node /usr/lib/*/libstdc++.so.6*');
    const command = 'node --print "1 + 1" > sum.txt; command -v node; ls /usr/lib/*/libstdc++* 2>&1; true';
    const { result, log } = await fixture.finish(fixture.order({ run: { command } }), { image });
    expect(unwrap(result).report, log).toMatchObject({ outcome: 'done', agent: { exit_code: 0 } });
    expect(unwrap(result).report.agent?.output).toMatch(/^\/opt\/worker\/node\nls: cannot access/);
  });

  it('an image’s own Node and the programs on its own PATH go before ours', async () => {
    const image = await images.built(
      'USER 0',
      `RUN mkdir -p /opt/tool/bin && for name in tool node; do printf '#!/bin/sh\\necho own %s\\n' $name > /opt/tool/bin/$name; chmod 755 /opt/tool/bin/$name; done`,
      'ENV PATH=/opt/tool/bin:/workspace/planted:/usr/bin:/bin',
    );
    expect(await fixture.probe('tool; node; echo "$PATH"', { image })).toMatch(
      /^own tool\nown node\n\/opt\/tool\/bin:\/usr\/bin:\/bin:\/usr\/local\/bin:\/opt\/worker\n$/,
    );
  });

  it('an image without git is named as that, before the task', async () => {
    const image = await images.built('USER 0', 'RUN rm /usr/bin/git');
    const { result, progress } = await fixture.finish(fixture.order(), { image });
    expect(result).toMatchObject({ error: { code: 'AC_IMAGE_UNFIT', retry: 'never' } });
    expect(JSON.stringify(result)).toContain('it has no git');
    expect(progress).toEqual([]);
  });

  it('an image of musl, one without a C library and one without a shell are named as that', async () => {
    const musl = await rootWith('musl', ['lib/ld-musl-x86_64.so.1', 'lib/ld-musl-aarch64.so.1']);
    const bare = await rootWith('bare', []);
    await run('tar', ['-cf', join(fixture.folder, 'empty.tar'), '-C', fixture.folder, '--files-from', '/dev/null']);
    const empty = await images.imported(createReadStream(join(fixture.folder, 'empty.tar')));
    const said = async (image: string): Promise<string> => {
      const { result } = await fixture.finish(fixture.order(), { image });
      expect(result).toMatchObject({ error: { code: 'AC_IMAGE_UNFIT' } });
      return JSON.stringify(result);
    };
    expect(await said(musl)).toContain('it is built on musl');
    expect(await said(bare)).toContain('it has no glibc');
    expect(await said(empty)).toContain('it has no /bin/sh');
  });

  it('S13 a setuid file in an image gives nobody anything: it is run as the worker that it is', async () => {
    const image = await images.built(
      'USER 0',
      'RUN cp /usr/bin/id /usr/local/bin/rooted && chmod 6755 /usr/local/bin/rooted && stat -c %a /usr/local/bin/rooted',
      'USER 10001',
    );
    const output = await fixture.probe('stat -c "%a %U" /usr/local/bin/rooted; rooted', { image });
    expect(output).toMatch(/^6755 root\nuid=10001/);
    expect(output).not.toMatch(/euid|egid/);
  });

  /** A system of one static shell and these empty files. */
  async function rootWith(name: string, files: readonly string[]): Promise<string> {
    const root = join(fixture.folder, name);
    await mkdir(join(root, 'bin'), { recursive: true });
    await mkdir(join(root, 'lib'));
    await copyFile('/bin/busybox', join(root, 'bin', 'busybox'));
    await symlink('busybox', join(root, 'bin', 'sh'));
    for (const file of files) await writeFile(join(root, file), '');
    await run('tar', ['-cf', `${root}.tar`, '-C', root, '.']);
    return images.imported(createReadStream(`${root}.tar`));
  }
});
