import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { volumeOptions, volumePlace } from './volume-options.ts';

const place = { dataRoot: '/var/lib/docker', blockBytes: 1 };

describe('the options of a volume', () => {
  it('name the whole folder of a checkout, and two made by us in that of the changes', () => {
    expect(volumeOptions({ kind: 'overlay', lower: 'checkout-1', changes: 'changes-1' }, place)).toEqual({
      type: 'overlay',
      device: 'overlay',
      o: 'nosuid,nodev,lowerdir=/var/lib/docker/volumes/checkout-1/_data,upperdir=/var/lib/docker/volumes/changes-1/_data/upper,workdir=/var/lib/docker/volumes/changes-1/_data/work',
    });
    expect(volumeOptions({ kind: 'memory', bytes: 4096 }, place)).toEqual({
      type: 'tmpfs',
      device: 'tmpfs',
      o: 'size=4096,mode=0755,uid=10001,gid=10001,nosuid,nodev',
    });
    expect(volumeOptions({ kind: 'disk' }, place)).toEqual({});
  });

  it('C18 never name a folder outside the engine, whatever a volume is called', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('..', '../../etc', 'a/b', 'a,lowerdir=/', 'a:b', '', 'x'));
    fc.assert(
      fc.property(name, name, (lower, changes) => {
        const options = volumeOptions({ kind: 'overlay', lower, changes }, place);
        if (options === null) return;
        const folders = (options['o'] ?? '').split(',').slice(2);
        expect(folders).toHaveLength(3);
        for (const folder of folders)
          expect(folder).toMatch(
            /^(lower|upper|work)dir=\/var\/lib\/docker\/volumes\/\w[\w.-]+\/_data(\/upper|\/work)?$/,
          );
      }),
    );
    expect(volumeOptions({ kind: 'overlay', lower: 'lower', changes: 'changes' }, { ...place, dataRoot: '/a,b' })).toBe(
      null,
    );
    for (const bytes of [0, -1, 1.5, Infinity]) expect(volumeOptions({ kind: 'memory', bytes }, place)).toBe(null);
  });

  it('S9 limit memory in whole pages where the engine takes no bytes, and are refused where no limit could be set', () => {
    const memory = (bytes: number) => ({ kind: 'memory', bytes }) as const;
    const inPages = { ...place, blockBytes: 4096 };
    expect(volumeOptions(memory(4097), inPages)?.['o']).toBe('nr_blocks=2,mode=0755,uid=10001,gid=10001,nosuid,nodev');
    expect(volumeOptions(memory(4096), { ...place, blockBytes: null })).toBe(null);
    const { dataRoot } = place;
    expect(volumePlace({ dataRoot, flavour: 'docker' })).toEqual(place);
    const pages = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
    expect(volumePlace({ dataRoot, flavour: 'podman' })).toEqual({ dataRoot, blockBytes: pages });
  });
});
