/** What one worker may send and how long it may be silent. */
export interface DoorLimits {
  /** Bytes of one bundle. */
  readonly bundleBytes: number;
  /** Bytes of all that comes through the door, frames included. */
  readonly totalBytes: number;
  /** Bytes on top of these of an attempt with a model: an agent sends its whole conversation with every step, and checkpoints. */
  readonly modelBytes: number;
  /** Milliseconds between two pings from the host. */
  readonly pingMs: number;
  /** Milliseconds without any data before the worker counts as hung (DESIGN §6: 30 s). */
  readonly silentMs: number;
  /** Milliseconds without a beat before the worker counts as stuck (DESIGN §6: six beats of 10 s). */
  readonly stuckMs: number;
  /** Progress messages are handed on at least this many milliseconds apart: the latest of those that came. */
  readonly progressMs: number;
}

const mebibyte = 1_048_576;

export const defaultDoorLimits: DoorLimits = {
  bundleBytes: 256 * mebibyte,
  totalBytes: 320 * mebibyte,
  modelBytes: 4096 * mebibyte,
  pingMs: 10_000,
  silentMs: 30_000,
  stuckMs: 60_000,
  progressMs: 250,
};

/** Bytes of the body of one request, by what it carries. A report holds at most 21 command outputs of 8 KiB, escaped. */
export const bodyBytes = { next: 65_536, progress: 32_768, complete: 2 * mebibyte, toolCall: mebibyte } as const;

/** Bytes of one request to a model. */
export const modelBodyBytes = 16 * mebibyte;

/** HTTP/2 settings of the host's side: few streams, small headers, little memory. */
export const sessionOptions = {
  maxSessionMemory: 32,
  maxHeaderListPairs: 64,
  maxSessionInvalidFrames: 16,
  maxSessionRejectedStreams: 16,
  maxOutstandingPings: 4,
  settings: { maxConcurrentStreams: 16, maxHeaderListSize: 16_384, initialWindowSize: mebibyte, enablePush: false },
} as const;

/** The settings of a session with this many connections to the outside, which are not to take the place of the worker's own requests. */
export function settingsWith(connections: number) {
  const { settings } = sessionOptions;
  return { ...settings, maxConcurrentStreams: settings.maxConcurrentStreams + connections };
}
