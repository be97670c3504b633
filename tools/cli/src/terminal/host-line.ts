import { cleanLine } from './clean-text.ts';

type Details = Readonly<Record<string, unknown>>;

function text(details: Details, field: string): string {
  const value = details[field];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function errorOf({ error }: Details): string {
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return '';
  return `${String(error.code)}: ${String(error.message)}`;
}

const lines: Readonly<Record<string, (details: Details) => string>> = {
  'host-joined': (details) =>
    `joined as ${text(details, 'host')}, up to ${text(details, 'workers')} containers at once`,
  'attempt-started': (details) =>
    `${text(details, 'slot')} begins task ${text(details, 'task')} (${text(details, 'title')}) of run ${text(details, 'run').slice(0, 8)}`,
  'attempt-ended': (details) =>
    errorOf(details) === ''
      ? `task ${text(details, 'task')} is handed over`
      : `task ${text(details, 'task')} failed: ${errorOf(details)}`,
  'attempt-given-back': (details) => `task ${text(details, 'task')} is given back: ${errorOf(details)}`,
  'attempt-abandoned': (details) =>
    `task ${text(details, 'task')} belongs to another host by now; its container is gone`,
  'verification-started': (details) =>
    `verifies ${text(details, 'commit').slice(0, 12)} of run ${text(details, 'run').slice(0, 8)}`,
  'verification-ended': (details) => `verified ${text(details, 'commit').slice(0, 12)}`,
  'engine-away': (details) => `waits for the engine home: ${errorOf(details)}`,
  'bus-away': (details) => `waits for the bus: ${errorOf(details)}`,
  'lease-lost': (details) => `lost a lease: ${errorOf(details)}`,
  'work-failed': (details) => `work could not be ended: ${errorOf(details)}`,
};

/** One thing a worker host tells, as a line: the time and what happened. */
export function hostLine(time: Date, event: string, details: Details): string {
  const said = lines[event]?.(details) ?? `${event} ${errorOf(details)}`;
  return `${time.toTimeString().slice(0, 8)} ${cleanLine(said)}`;
}
