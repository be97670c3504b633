const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes for people, in powers of a thousand as disks are sold: `0 B`, `12.3 kB`, `280 MB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
