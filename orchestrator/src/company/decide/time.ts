const secondsADay = 86_400;

/** ISO 8601 time so many seconds after another. */
export function afterSeconds(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1000).toISOString();
}

/** `days` after an ISO 8601 time that stands on record. */
export function afterDays(time: string, days: number): string {
  return afterSeconds(time, days * secondsADay);
}
