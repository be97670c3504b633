import assert from 'node:assert/strict';
import { once } from 'node:events';
import { link } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { assertRefused, type Contract } from './support.ts';

/** The engine about itself, and about not being there. */
export function describingContract(contract: Contract): void {
  contract('C18 answers, and says what it is', async ({ engine }) => {
    unwrap(await engine.ping());
    assert.match(unwrap(await engine.version()).version, /^\d+\.\d+/);
    const info = unwrap(await engine.info());
    assert.equal(info.osType, 'linux');
    assert.match(info.cgroupVersion, /^[12]$/);
    assert.match(info.apiVersion, /^1\.\d+$/);
    assert.ok(info.dataRoot.startsWith('/'), info.dataRoot);
  });

  contract('C18 an engine that is not there is named so by every call', async ({ under, fixture }) => {
    const absent = under.at(join(fixture.folder, 'absent.sock'));
    assertRefused(await absent.ping(), 'AC_ENGINE_STOPPED');
    assertRefused(await absent.list(fixture.instance), 'AC_ENGINE_STOPPED');
    assertRefused(await absent.attach('0'.repeat(64)), 'AC_ENGINE_STOPPED');
    assertRefused(await absent.imageInspect('none'), 'AC_ENGINE_STOPPED');
  });

  contract('C18 an engine that died and left its socket behind is stopped', async ({ under, fixture }) => {
    const socket = join(fixture.folder, 'left.sock');
    // The file outlives a server that ends without unlinking it: here a link to it does.
    const server = createServer().listen(`${socket}.first`);
    await once(server, 'listening');
    await link(`${socket}.first`, socket);
    server.close();
    await once(server, 'close');
    assertRefused(await under.at(socket).ping(), 'AC_ENGINE_STOPPED');
    assertRefused(await under.at(socket).info(), 'AC_ENGINE_STOPPED');
  });

  contract('C18 names what it does not have', async ({ engine }) => {
    const absent = 'f'.repeat(64);
    for (const call of ['inspect', 'start', 'attach', 'kill', 'wait'] as const)
      assertRefused(await engine[call](absent), 'AC_CONTAINER_UNKNOWN');
    unwrap(await engine.remove(absent));
    assertRefused(await engine.imageInspect('agentcompany-none:1'), 'AC_IMAGE_UNKNOWN');
    assertRefused(await engine.imageInspect(`sha256:${absent}`), 'AC_IMAGE_UNKNOWN');
  });
}
