import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { unwrap } from '@agentcompany/protocol';
import { readAll, readUntil, type Contract } from './support.ts';

const megabytes = 4 * 1_048_576;

/** The standard streams of a container, attached before it starts. */
export function attachingContract(contract: Contract): void {
  contract('the door is exactly what goes in and out: no byte before, none between', async (trial) => {
    const { id, attachment } = await trial.startScript('exec cat');
    const sent = randomBytes(megabytes);
    attachment.door.end(sent);
    const came = await readAll(attachment.door);
    assert.equal(came.length, sent.length);
    assert.equal(createHash('sha256').update(came).digest('hex'), createHash('sha256').update(sent).digest('hex'));
    assert.deepEqual(unwrap(await trial.engine.wait(id)), { exitCode: 0 });
  });

  contract('the log is apart from the door', async (trial) => {
    const { attachment } = await trial.startScript('echo spoken; echo logged >&2; read line; echo "heard $line" >&2');
    const log = readAll(attachment.log);
    await readUntil(attachment.door, 'spoken\n');
    attachment.door.write('words\n');
    assert.equal((await log).toString(), 'logged\nheard words\n');
  });

  contract('a door that is answered line by line converses', async (trial) => {
    const { attachment } = await trial.startScript('while read line; do echo "got $line"; done');
    for (const word of ['one', 'two', 'three']) {
      attachment.door.write(`${word}\n`);
      await readUntil(attachment.door, `got ${word}\n`);
    }
    attachment.close();
  });

  contract('a container that ends closes the door', async (trial) => {
    const { attachment } = await trial.startScript('echo done');
    assert.equal((await readAll(attachment.door)).toString(), 'done\n');
  });
}
