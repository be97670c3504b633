import { describe, expect, it } from 'vitest';
import { bootstrapArguments } from './engine-from-packages.mjs';

describe('the image of the inner engine made from packages', () => {
  it('holds the engine and what mounts for it, from the given sources and no others', () => {
    const line = bootstrapArguments({ output: 'o.tar', suite: 'bookworm', sources: ['deb x', 'deb y'] });
    expect(line).toContain('--include=docker.io,mount');
    expect(line).toContain('--variant=essential');
    expect(line.slice(-4)).toEqual(['bookworm', 'o.tar', 'deb x', 'deb y']);
    expect(line.join(' ')).toContain('rm -rf "$1/etc/apt/sources.list"');
  });
});
