import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
import { readUntil, type Contract } from './support.ts';

/** How long a worker may live on without its host, in milliseconds: it notices the end of its input, no deadline. */
const soonMs = 10_000;
const hostGone = 7;

/** How containers end, and what is known of it afterwards. */
export function endingContract(contract: Contract): void {
  contract('S79 the real worker ends within seconds when its host lets go of the door', async (trial) => {
    const { id, attachment } = await trial.startAttached(await trial.create());
    // The worker speaks first: HTTP/2's preface.
    await readUntil(attachment.door, 'PRI * HTTP/2.0');
    attachment.close();
    const { exitCode } = unwrap(await trial.engine.wait(id, AbortSignal.timeout(soonMs)));
    assert.equal(exitCode, hostGone);
  });

  contract('S79 end of input reaches whatever reads it', async (trial) => {
    const { id, attachment } = await trial.startScript('echo ready; while read line; do :; done; exit 9');
    await readUntil(attachment.door, 'ready');
    attachment.door.end();
    assert.deepEqual(unwrap(await trial.engine.wait(id, AbortSignal.timeout(soonMs))), { exitCode: 9 });
  });

  contract('tells the exit code, to one who waits and to one who looks later', async (trial) => {
    const { engine } = trial;
    const { id } = await trial.startScript('exit 42');
    assert.deepEqual(unwrap(await engine.wait(id)), { exitCode: 42 });
    assert.deepEqual(unwrap(await engine.wait(id)), { exitCode: 42 });
    const { state } = unwrap(await engine.inspect(id));
    assert.deepEqual(state, { status: 'exited', exitCode: 42, outOfMemory: false });
  });

  contract('kills at once what runs; what has ended, or never ran, is a success', async (trial) => {
    const { engine } = trial;
    const { id, attachment } = await trial.startScript('trap "" TERM INT; echo ready; while :; do read line; done');
    await readUntil(attachment.door, 'ready');
    assert.equal(unwrap(await engine.inspect(id)).state.status, 'running');
    unwrap(await engine.kill(id));
    assert.deepEqual(unwrap(await engine.wait(id)), { exitCode: 137 });
    unwrap(await engine.kill(id));
    const idle = await trial.create();
    unwrap(await engine.kill(idle));
    unwrap(await engine.remove(idle));
  });

  contract('waits only as long as it is wanted', async (trial) => {
    const { id } = await trial.startScript('exec cat');
    const waited = await trial.engine.wait(id, AbortSignal.timeout(300));
    assert.equal(waited.ok, false);
    assert.equal(unwrap(await trial.engine.inspect(id)).state.status, 'running');
  });
}
