import { describe, expect, it } from 'vitest';
import type { ImageDetails } from './container-engine.ts';
import { foreignProcessor, toolFolders, unfitness } from './image-fitness.ts';

const image = (details: Partial<ImageDetails>): ImageDetails => ({
  id: 'sha256:1',
  architecture: 'amd64',
  environment: [],
  labels: {},
  volumes: [],
  hasHealthcheck: false,
  onBuild: [],
  layers: [],
  bytes: 0,
  ...details,
});

describe('what an image is lacking', () => {
  it('is read from how its container ended', () => {
    const old = "/opt/worker/node: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by …)";
    expect(unfitness(1, old)).toBe('its C library is too old: Node needs GLIBC_2.28');
    const library = '/opt/worker/node: error while loading shared libraries: libdl.so.2: cannot open';
    expect(unfitness(127, library)).toBe('it lacks the library libdl.so.2');
    expect(unfitness(93, '')).toBe('it has no git');
    const absent = '[FATAL tini (7)] exec /opt/worker/runtime failed: No such file or directory';
    expect(unfitness(127, absent)).toBe('it has no /bin/sh that starts');
    expect(unfitness(126, 'exec /opt/worker/runtime failed: Exec format error')).toBe('it is for another processor');
  });

  it('is not blamed for what a worker did', () => {
    expect(unfitness(1, "make: version `GLIBC_9' not found")).toBeNull();
    expect(unfitness(127, 'sh: tool: not found')).toBeNull();
    expect([unfitness(0, ''), unfitness(7, ''), unfitness(137, ''), unfitness(null, '')]).toEqual(Array(4).fill(null));
  });

  it('is the processor, where it is made for another', () => {
    const [own, other] = process.arch === 'arm64' ? ['arm64', 'amd64'] : ['amd64', 'arm64'];
    expect(foreignProcessor(image({ architecture: own ?? '' }))).toBeNull();
    expect(foreignProcessor(image({ architecture: '' }))).toBeNull();
    expect(foreignProcessor(image({ architecture: other ?? '' }))).toContain(other);
  });
});

describe('the folders of an image’s programs', () => {
  it('are those of its last PATH, in their order, and nothing that a worker could fill', () => {
    const environment = [
      'PATH=/first',
      'PATH=/go/bin:/usr/local/go/bin:/usr/bin:.::relative:/workspace/bin:/tmp:/opt/worker/x:/a/../b:/sp ace:/go/bin:/opt/workers/bin',
    ];
    expect(toolFolders(image({ environment }))).toEqual([
      '/go/bin',
      '/usr/local/go/bin',
      '/usr/bin',
      '/opt/workers/bin',
    ]);
    expect(toolFolders(image({}))).toEqual([]);
    const many = Array.from({ length: 100 }, (_, index) => `/bin${index}`).join(':');
    expect(toolFolders(image({ environment: [`PATH=${many}`] }))).toHaveLength(32);
  });
});
