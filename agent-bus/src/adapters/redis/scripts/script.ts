import { createHash } from 'node:crypto';
import { appending } from './appending.ts';
import { basics } from './basics.ts';
import { handing } from './handing.ts';
import { records } from './records.ts';

/** A Lua script by its digest, as `EVALSHA` wants it. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/**
 * Around every script: it runs as `step()`, and whatever error comes out of it, also one that Redis gives in the middle of writing, takes
 * back what was written. Redis itself keeps the writes of a script that ends with an error.
 */
const frame = `
local completed, outcome = pcall(step)
if completed then return outcome end
takeBack()
return redis.error_reply(type(outcome) == 'table' and outcome.err or tostring(outcome))
`;

/** A script that sends as well. The others do without its functions: the server makes each of them anew at every call. */
export function defineSendingScript(name: string, body: string): Script {
  return defineScript(name, `${handing}${appending}${body}`);
}

/** The script whose Lua function `step()` is `body`, after the shared functions. */
export function defineScript(name: string, body: string): Script {
  const source = `${basics}${records}${body}${frame}`;
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}
