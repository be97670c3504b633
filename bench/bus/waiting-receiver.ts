import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Said, WaitingFor } from './waiting-process.ts';

const script = fileURLToPath(new URL('./waiting-process.ts', import.meta.url));

export interface WaitingReceiver {
  /** Resolves, when the message is handled and ended, with the moment its handler was entered: nanoseconds of the shared clock. */
  handled(id: string): Promise<bigint>;
  /** Processor time of the process so far, in milliseconds. */
  busyMs(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a process that waits for messages; resolves when it is about to wait. */
export async function startReceiver(waitingFor: WaitingFor): Promise<WaitingReceiver> {
  const child = fork(script, [JSON.stringify(waitingFor)]);
  const ended = once(child, 'exit');
  const failed = ended.then(() => Promise.reject(new Error('the receiving process ended')));
  failed.catch(() => undefined);

  const hear = <Value>(read: (said: Said) => Value | null): Promise<Value> => {
    const heard = new Promise<Value>((resolve) => {
      const listen = (said: Said): void => {
        const value = read(said);
        if (value === null) return;
        child.removeListener('message', listen);
        resolve(value);
      };
      child.on('message', listen);
    });
    return Promise.race([heard, failed]);
  };

  await hear((said) => (said === 'ready' ? true : null));
  return {
    handled: (id) =>
      hear((said) => (typeof said === 'object' && 'id' in said && said.id === id ? BigInt(said.at) : null)),
    busyMs: () => {
      const answer = hear((said) => (typeof said === 'object' && 'busyMs' in said ? said.busyMs : null));
      child.send('busy?');
      return answer;
    },
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
