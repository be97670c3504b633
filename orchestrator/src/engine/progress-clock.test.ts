import { newId, unwrap } from '@agentcompany/protocol';
import { expect, it, onTestFinished } from 'vitest';
import { ProgressClock } from './progress-clock.ts';
import { envelopeTo, ledgerOnDisk } from './testing/ledger-on-disk.ts';

it('knows which attempts told of progress of late, and of no others', async () => {
  const ledger = await ledgerOnDisk();
  onTestFinished(() => ledger.remove());
  const bus = await ledger.open();
  const stop = new AbortController();
  const clock = new ProgressClock();
  const following = clock.follow(bus, stop.signal);
  const run = newId();
  const say = async (): Promise<boolean> => {
    const context = { run_id: run, task_id: 'a', attempt_id: 'one' };
    const envelope = envelopeTo(run, 'task_progress', { attempt_id: 'one', message: 'on' }, { context });
    unwrap(await bus.send([{ envelope, queue: null }]));
    return clock.showsProgress('one', 60);
  };
  // What was said before it followed it does not know: said until it does.
  await expect.poll(say).toBe(true);
  expect([clock.showsProgress('one', 0), clock.showsProgress('two', 60)]).toEqual([false, false]);
  stop.abort();
  await following;
});
