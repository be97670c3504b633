/** The log port: an event's name (noun-verb) and its plain data. Never secrets, never whole payloads. */
export type Log = (event: string, details: Readonly<Record<string, unknown>>) => void;
