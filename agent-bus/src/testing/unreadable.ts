import assert from 'node:assert/strict';
import { parsePayload, unwrap } from '@agentcompany/protocol';
import {
  claim,
  contractOf,
  ids,
  makeRun,
  openInstance,
  sendAll,
  type ContractOptions,
  type ContractStore,
} from './support.ts';

export interface BusUnreadableOptions extends ContractOptions {
  /** Puts `text` in the place of the stored envelope `id`, as a failing disk or another program would. */
  readonly spoil: (store: ContractStore, id: string, text: string) => Promise<void>;
}

/**
 * What an adapter that stores envelopes one by one does with one it cannot read any more (S75). An adapter whose store fails in larger
 * pieces shows in tests of its own that it quarantines a piece by name and serves the rest.
 */
export function busUnreadableContract(options: BusUnreadableOptions): void {
  contractOf(options)(
    'S75 buries a stored message that cannot be read, by name, and moves on; its stream shows it in its place',
    async (store) => {
      const sender = await openInstance(store);
      const { run, envelopes } = makeRun(3);
      await sendAll(sender, envelopes);
      await sender.close();
      const [rubbish, swapped, sound] = envelopes;
      await options.spoil(store, rubbish!.id, '{"rubbish');
      await options.spoil(store, swapped!.id, JSON.stringify(sound));
      const bus = await openInstance(store);
      assert.deepEqual(ids(await claim(bus, 'workers')), [sound!.id]);
      const notices = await claim(bus, 'engine');
      const payloads = notices.map(({ envelope }) => unwrap(parsePayload('dead_letter', envelope.payload)));
      assert.deepEqual(
        payloads.map(({ envelope_id, error }) => [envelope_id, error.code]),
        [rubbish, swapped].map((envelope) => [envelope!.id, 'AC_BUS_UNREADABLE']),
      );
      assert.deepEqual(
        notices.map(({ stream }) => stream),
        [run, run],
      );
      assert.deepEqual(
        unwrap(await bus.readStream(run, { after: 0 })).map(({ seq, envelope }) => [seq, envelope.envelope_type]),
        [
          [1, 'dead_letter'],
          [2, 'dead_letter'],
          [3, 'task_note'],
          [4, 'dead_letter'],
          [5, 'dead_letter'],
        ],
      );
      assert.deepEqual(ids(unwrap(await bus.deadLetters())), [rubbish!.id, swapped!.id]);
    },
  );
}
