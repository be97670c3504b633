import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';

/** The token of a worker host, from a file or from the environment: never from a flag, which other users could read. Error: `AC_HOST_TOKEN_MISSING`. */
export async function readToken(
  file: string | undefined,
  variable: string | undefined,
  cwd: string,
): Promise<Result<string>> {
  const { hostErrors } = await import('@agentcompany/orchestrator/host-errors');
  const { parseToken } = await import('@agentcompany/orchestrator/host-token');
  let text = variable ?? '';
  try {
    if (file !== undefined) text = await readFile(path.resolve(cwd, file), 'utf8');
  } catch (cause) {
    return failure(hostErrors.AC_HOST_TOKEN_MISSING({ problem: `${file} cannot be read` }, cause));
  }
  const token = parseToken(text);
  if (token !== null) return success(token);
  const problem = text.trim() === '' ? 'none was given' : 'what was given is none';
  return failure(hostErrors.AC_HOST_TOKEN_MISSING({ problem }));
}
