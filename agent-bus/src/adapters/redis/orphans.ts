import { success, type Result } from '@agentcompany/protocol';
import { isHolderGone } from '../../lease-holder.ts';
import { heldScript, lapseFutureScript, lapseScript } from './scripts/leasing.ts';
import { listAt, type Store } from './store.ts';

/** Ends leases whose process is gone, as far as this machine can tell, and those that begin in the future. Errors: as `Link.run`. */
export async function lapseOrphans(store: Store): Promise<Result<undefined>> {
  const held = await store.run(heldScript, []);
  if (!held.ok) return held;
  const deliveries = groups(listAt(held.value.rest, 0).map(String), 3).filter((group) => isHolderGone(group[2] ?? ''));
  const names = groups(listAt(held.value.rest, 1).map(String), 2).filter((group) => isHolderGone(group[1] ?? ''));
  if (deliveries.length + names.length > 0) {
    const values = [deliveries.length, ...deliveries.flat(), names.length, ...names.flat()];
    const lapsed = await store.run(lapseScript, values);
    if (!lapsed.ok) return lapsed;
  }
  const future = await store.run(lapseFutureScript, []);
  return future.ok ? success(undefined) : future;
}

function groups(list: readonly string[], size: number): readonly (readonly string[])[] {
  return Array.from({ length: list.length / size }, (_unused, index) => list.slice(index * size, (index + 1) * size));
}
