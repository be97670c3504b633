import { failure, type AppError, type Result } from '@agentcompany/protocol';
import { gitErrors } from './errors.ts';
import type { GitProtocol } from './environment.ts';
import type { RemoteSource } from './repositories.ts';
import type { GitAnswer } from './runner.ts';
import { staleLockSeconds } from './stale-files.ts';
import { judgeUrl } from './url-policy.ts';

/** A remote as calls need it: the address, the one protocol allowed for it, and the configuration its local children read. */
export interface Remote {
  readonly url: string;
  readonly protocols: readonly GitProtocol[];
  readonly globalConfiguration: string | undefined;
}

const minute = 60_000;
export const networkTimeoutMs = 10 * minute;

/** Judges where a project's source lies. Error: `AC_GIT_URL_REFUSED`. */
export function judgeSource(source: RemoteSource): Result<{ readonly url: string; readonly protocol: GitProtocol }> {
  if (source.isFolder) {
    // oxlint-disable-next-line no-control-regex -- control characters are what is refused
    if (source.url.startsWith('/') && !/[\u0000-\u001f\u007f]/u.test(source.url)) {
      return { ok: true, value: { url: source.url, protocol: 'file' } };
    }
    return failure(gitErrors.AC_GIT_URL_REFUSED({ reason: 'a folder is named by its absolute path' }));
  }
  return judgeUrl(source.url);
}

/** What a failed call to a remote means, read from what git and ssh print under `LC_ALL=C`. Later lines are more particular. */
const readings: readonly (readonly [RegExp, (url: string, cause: string) => AppError])[] = [
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/u,
    (url, cause) => gitErrors.AC_GIT_HOST_KEY({ url }, cause),
  ],
  [/returned error: 30[12378]|redirect/iu, (url, cause) => gitErrors.AC_GIT_REDIRECT({ url }, cause)],
  [
    /Authentication failed|could not read (?:Username|Password)|Permission denied \(|returned error: 40[13]/u,
    (url, cause) => gitErrors.AC_GIT_CREDENTIALS({ url }, cause),
  ],
  [/\.lock': File exists/u, (_url, cause) => gitErrors.AC_GIT_LOCKED({ seconds: staleLockSeconds }, cause)],
  [/mismatched algorithms/u, (url, cause) => gitErrors.AC_REPOSITORY_FORMAT({ url }, cause)],
  [/fsck|index-pack failed|unpack-objects failed/u, (url, cause) => gitErrors.AC_GIT_OBJECTS_INVALID({ url }, cause)],
];

/** Turns the failure of a call to a remote into its coded error; what is not known is `AC_GIT_UNREACHABLE`. */
export function explainRemoteFailure(url: string, result: Result<GitAnswer>): Result<GitAnswer> {
  if (result.ok) return result;
  const { error } = result;
  if (error.code !== 'AC_GIT_FAILED' && error.code !== 'AC_GIT_TIMEOUT') return result;
  const cause = error.cause ?? error.message;
  const reading = readings.find(([pattern]) => pattern.test(cause));
  return failure(reading === undefined ? gitErrors.AC_GIT_UNREACHABLE({ url }, cause) : reading[1](url, cause));
}
