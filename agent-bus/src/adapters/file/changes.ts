import type { DeliveryNode } from './queue-index.ts';

/** What has changed in the state since someone looked; kept only while someone does. */
export class Changes {
  readonly nodes = new Set<DeliveryNode>();
  readonly streams = new Set<string>();

  get size(): number {
    return this.nodes.size + this.streams.size;
  }
}
