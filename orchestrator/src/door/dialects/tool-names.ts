import { createHash } from 'node:crypto';

const neutral = /^[a-zA-Z0-9_-]{1,64}$/;

/**
 * Names that every provider takes, for names of tools in a format that allows others (`mcp.search/web`, 100 characters). The same name
 * always becomes the same one, so that a conversation stays as it was when it is sent again.
 */
export class ToolNames {
  readonly #given = new Map<string, string>();

  /** 1 to 64 of `a-z A-Z 0-9 _ -`. */
  toNeutral(name: string): string {
    if (neutral.test(name)) return name;
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
    const short = `${name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 55)}_${digest}`;
    this.#given.set(short, name);
    return short;
  }

  /** The agent's own name of a tool that the model asks for. */
  toGiven(name: string): string {
    return this.#given.get(name) ?? name;
  }
}
