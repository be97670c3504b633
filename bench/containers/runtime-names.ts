/** As the rows of the page call them. */
export const runtimeNames = ['dod', 'rootless Podman', 'rootless Docker', 'dind'] as const;
export type RuntimeName = (typeof runtimeNames)[number];

/** The runtime with this name, in any case and with `-` for a blank; null: there is none. */
export function runtimeNamed(text: string): RuntimeName | null {
  return runtimeNames.find((name) => name.toLowerCase() === text.toLowerCase().replaceAll('-', ' ')) ?? null;
}
