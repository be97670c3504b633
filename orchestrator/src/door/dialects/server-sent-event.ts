/** One server-sent event; `name` where the format names its events. */
export function serverSentEvent(data: unknown, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** A comment, which readers of the format pass over. */
export const keepAliveComment = ': keep-alive\n\n';

/** An id as providers make them: nothing can be read out of it. */
export function freshId(prefix: string): string {
  return `${prefix}${crypto.randomUUID().replaceAll('-', '')}`;
}

/** Seconds since 1970, of which OpenAI's formats want to know when an answer was made. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
