import { duplexPair, type Duplex } from 'node:stream';
import { workOrder, type SelfReport } from '@agentcompany/protocol';
import { noServices, type AttemptServices } from '../attempt-services.ts';
import type { DoorOptions } from '../door-events.ts';
import { defaultDoorLimits, type DoorLimits } from '../door-limits.ts';
import { openDoor, type Door } from '../open-door.ts';

const order = workOrder.parse({
  kind: 'verify',
  mirror: '/mirror.git',
  base_oid: '1'.repeat(40),
  command_timeout: 10,
  verify: [],
});

/** What a worker says of itself when it asks for its order. */
export const selfReport: SelfReport = {
  uid: 1,
  capabilities_bounding: '0',
  kernel: 'Linux',
  apparmor_profile: null,
  workspace_bytes: null,
  temporary_bytes: null,
  open_files_limit: null,
  file_size_limit_bytes: null,
  core_size_limit_bytes: null,
  no_new_privileges: true,
  seccomp_mode: 2,
  interfaces: [],
  memory_limit_bytes: 1,
  pids_limit: 1,
  cpu_limit: 1,
  mounts: [],
  exposed_paths: [],
  node_version: 'v1',
};

export interface DoorEnds {
  readonly door: Door;
  /** Where the worker is. */
  readonly workerSide: Duplex;
}

/** A door on the one end of a pipe; an order to verify, no services and the ordinary limits where nothing else is said. */
export function openDoorEnds({
  services = {},
  limits = {},
  ...more
}: Partial<Omit<DoorOptions, 'services' | 'limits'>> & {
  readonly services?: Partial<AttemptServices>;
  readonly limits?: Partial<DoorLimits>;
} = {}): DoorEnds {
  const [hostSide, workerSide] = duplexPair();
  const door = openDoor(hostSide, {
    order,
    bundleFile: null,
    differences: () => [],
    onProgress: () => undefined,
    ...more,
    services: { ...noServices, ...services },
    limits: { ...defaultDoorLimits, ...limits },
  });
  return { door, workerSide };
}
