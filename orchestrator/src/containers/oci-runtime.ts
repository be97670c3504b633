import { failure, success, type Result } from '@agentcompany/protocol';
import type { EngineInfo } from './container-engine.ts';
import { containerErrors } from './errors.ts';

/** What `oci_runtime` is unless it is set: the runtime every engine has. */
export const defaultOciRuntime = 'runc';

/** gVisor answers every program with this name of a kernel, whatever the machine's is (gvisor pkg/sentry/syscalls/linux). */
const gVisorKernel = /^Linux version 4\.4\.0 #1 SMP Sun Jan 10 15:06:54 PST 2016/;

/** Whether a worker runs on gVisor's kernel, from how its kernel names itself. */
export function isGVisor(kernel: string): boolean {
  return gVisorKernel.test(kernel) || /gvisor/i.test(kernel);
}

/** Whether a runtime of this name has to be gVisor: a worker that then sees another kernel is not where it was meant to be. */
export function namesGVisor(runtime: string): boolean {
  return /runsc|gvisor/i.test(runtime);
}

/** Whether the engine has the OCI runtime workers are to run in. Error: `AC_OCI_RUNTIME_UNKNOWN` with those it has. */
export function checkOciRuntime({ ociRuntime, ociRuntimes }: EngineInfo): Result<undefined> {
  if (ociRuntimes.includes(ociRuntime)) return success();
  // containerd's own names of shims are no choice of a person.
  const known = ociRuntimes.filter((name) => !name.startsWith('io.containerd.')).toSorted();
  return failure(
    containerErrors.AC_OCI_RUNTIME_UNKNOWN({
      runtime: ociRuntime,
      known: known.length === 0 ? 'none' : known.join(', '),
    }),
  );
}
