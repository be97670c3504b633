const millisecondsADay = 86_400_000;

/** `days` after an ISO 8601 time that stands on record. */
export function afterDays(time: string, days: number): string {
  // oxlint-disable-next-line no-restricted-globals -- arithmetic on a recorded time: no clock is read
  return new Date(Date.parse(time) + days * millisecondsADay).toISOString();
}
