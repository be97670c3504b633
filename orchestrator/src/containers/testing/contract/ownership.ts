import assert from 'node:assert/strict';
import { unwrap } from '@agentcompany/protocol';
import { compareInspect } from '../../compare-inspect.ts';
import { createBody, engineFeatures } from '../../create-body.ts';
import { assertRefused, type Contract } from './support.ts';

/** Containers as they are made, found and removed. */
export function ownershipContract(contract: Contract): void {
  contract('C16 S1 what it makes is what was asked, field by field', async (trial) => {
    const { engine } = trial;
    const container = await trial.container();
    const { id } = unwrap(await engine.create(container));
    const details = unwrap(await engine.inspect(id));
    const features = engineFeatures(unwrap(await engine.info()));
    assert.deepEqual(compareInspect(createBody(container, features), details.raw, features), []);
    assert.equal(details.id, id);
    assert.match(details.name, /^agentcompany-attempt-[0-9a-f]{8}$/);
    assert.deepEqual(details.state, { status: 'created', exitCode: null, outOfMemory: false });
    assert.equal(details.labels['agentcompany.attempt'], 'attempt');
  });

  contract('S14 nothing is pulled: an image it does not have is unknown', async (trial) => {
    const container = await trial.container({ imageId: `sha256:${'0'.repeat(64)}` });
    assertRefused(await trial.engine.create(container), 'AC_IMAGE_UNKNOWN');
    assert.deepEqual(unwrap(await trial.engine.list(trial.fixture.instance)), []);
  });

  contract('S16 lists containers by the exact instance, whatever state they are in', async (trial) => {
    const { engine, fixture } = trial;
    const { owner } = await trial.container();
    const created = await trial.create();
    const { id: running } = await trial.startScript('cat');
    const longer = await trial.create({ owner: { ...owner, instance: `${fixture.instance}0` } });
    const owned = unwrap(await engine.list(fixture.instance));
    assert.deepEqual(
      new Map(owned.map(({ id, running: runs }) => [id, runs])),
      new Map([
        [created, false],
        [running, true],
      ]),
    );
    assert.equal(owned[0]?.labels['agentcompany.task'], 'task');
    assert.deepEqual(
      unwrap(await engine.list(`${fixture.instance}0`)).map(({ id }) => id),
      [longer],
    );
    unwrap(await engine.remove(longer));
    assert.deepEqual(unwrap(await engine.list(`${fixture.instance}0`)), []);
  });

  contract('removes what runs and what does not, and what is gone already', async (trial) => {
    const { engine, fixture } = trial;
    const { id } = await trial.startScript('cat');
    const idle = await trial.create();
    for (const each of [id, idle, id]) unwrap(await engine.remove(each));
    assertRefused(await engine.inspect(id), 'AC_CONTAINER_UNKNOWN');
    assert.deepEqual(unwrap(await engine.list(fixture.instance)), []);
  });
}
