import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { failure, success, type Result } from '@agentcompany/protocol';
import { stateFolder, type CompanyHome } from './company-home.ts';
import { createFile } from './durable-file.ts';
import { orchestratorErrors as errors } from './errors.ts';

/**
 * The secret worker hosts show to the engine home: 256 random bits, made when it is first asked for, kept in a file that only its owner
 * reads. Whoever has it can take part in the work of this company. Errors: `AC_HOME_UNWRITABLE`, `AC_HOME_DAMAGED`.
 */
export function hostToken(home: CompanyHome): Result<string> {
  const file = path.join(stateFolder(home), 'host-token');
  try {
    createFile(file, `${randomBytes(32).toString('hex')}\n`);
  } catch (cause) {
    return failure(errors.AC_HOME_UNWRITABLE({ folder: stateFolder(home) }, cause));
  }
  const token = parseToken(readFileSync(file, 'utf8'));
  return token === null ? failure(errors.AC_HOME_DAMAGED({ file }, 'it holds no token')) : success(token);
}

/** The token in a text; null where there is none. */
export function parseToken(text: string): string | null {
  const token = text.trim();
  return /^[0-9a-f]{64}$/u.test(token) ? token : null;
}
