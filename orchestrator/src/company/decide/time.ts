const millisecondsADay = 86_400_000;

/** `days` after an ISO 8601 time that stands on record. */
export function afterDays(time: string, days: number): string {
  return new Date(Date.parse(time) + days * millisecondsADay).toISOString();
}
