import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery } from '@agentcompany/agent-bus';
import { failure, success, type Effect, type Result } from '@agentcompany/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { envelopeOf, errorOf, openedRun } from '../company/testing/fixtures.ts';
import { performEffect } from './effects.ts';
import type { EngineParts } from './parts.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'company-effects-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const effect: Effect = {
  kind: 'ingest',
  key: 'attempt/one/ingest',
  attempt_id: 'one',
  base_oid: 'base',
  commit: 'commit',
  sha256: 'digest',
  title: 'title',
};

/** Performs an ingest that ends so; whether the bundle it read is still there. */
async function isBundleLeftAfter(ingested: Result<unknown>): Promise<boolean> {
  const bundle = join(folder, 'one.bundle');
  await writeFile(bundle, 'what a worker handed over');
  const parts: Partial<EngineParts> = {
    home: { bundlesFolder: folder } as EngineParts['home'],
    project: async () => success({ repositories: { ingest: async () => ingested } } as never),
  };
  const delivery: Partial<Delivery> = { envelope: envelopeOf('effect_request', { effect }) };
  await performEffect(parts as EngineParts, openedRun(null), delivery as Delivery);
  return existsSync(bundle);
}

describe('the bundle of an attempt', () => {
  it('goes when it was taken, and when it is refused for good', async () => {
    expect(await isBundleLeftAfter(success({}))).toBe(false);
    expect(await isBundleLeftAfter(failure(errorOf('AC_INGEST_REFUSED', 'never')))).toBe(false);
  });

  it('stays for another try where the failure may pass', async () => {
    expect(await isBundleLeftAfter(failure(errorOf('AC_GIT_DISK_FULL', 'later')))).toBe(true);
  });
});
