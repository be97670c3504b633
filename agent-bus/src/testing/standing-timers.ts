/** Below this a timer only joins what comes at once, and may run. Milliseconds. */
const shortest = 20;

/** Runs `body` while timers of this process stand still, so that only an event from outside can end a wait: no re-check, no time-out. */
export async function withStandingTimers(body: () => Promise<void>): Promise<void> {
  const { setTimeout: start, setInterval: repeat } = globalThis;
  const standing = (handler: (...values: unknown[]) => void, delay = 0, ...values: unknown[]): NodeJS.Timeout =>
    delay < shortest ? start(() => handler(...values), delay) : start(() => undefined, 2 ** 31 - 1).unref();
  Object.assign(globalThis, { setTimeout: standing, setInterval: standing });
  try {
    await body();
  } finally {
    Object.assign(globalThis, { setTimeout: start, setInterval: repeat });
  }
}
