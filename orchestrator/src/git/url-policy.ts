import { failure, success, type Result } from '@agentcompany/protocol';
import { gitErrors } from './errors.ts';

/** An address that passed the policy, in the form it is given to git. */
export interface AllowedUrl {
  readonly url: string;
  readonly protocol: 'https' | 'ssh';
  readonly host: string;
}

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const userName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
/** Path segments of a repository's address: none may begin with `-`, none may be `.` or `..`. */
const pathSegment = /^(?!\.{1,2}$)[A-Za-z0-9_.~+@][A-Za-z0-9_.~+@%-]*$/;
/** Read by these patterns and not by a parser of addresses: what git and such a parser take for the host may differ. */
const standardForm = /^(https|ssh):\/\/([^/]*)\/(.*)$/;
const authorityForm = /^(?:([^@:]+)@)?([^@:]+)(?::[0-9]{1,5})?$/;
const scpForm = /^([^@/:]+)@([^:/]+):(?!\/\/)(.+)$/;

/**
 * Judges the address of a project before any process is started (S30). Accepted: `https://host[:port]/path`,
 * `ssh://[user@]host[:port]/path`, `user@host:path`. Error: `AC_GIT_URL_REFUSED` naming why; the address itself is not
 * repeated, for it may carry a password.
 */
export function judgeUrl(url: string): Result<AllowedUrl> {
  if (url.length === 0 || url.length > 2048) return refuse('it is empty or longer than 2048 characters');
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\s\u0000-\u001f\u007f-\u009f\\]/u.test(url)) return refuse('it holds a space, backslash or control character');
  if (/%(?:0[0-9a-f]|1[0-9a-f]|7f|25|2f|5c)/iu.test(url))
    return refuse('it holds an encoded control character, slash or percent sign');
  if (url.startsWith('-')) return refuse('it begins with a hyphen');
  if (url.startsWith('https://') || url.startsWith('ssh://')) return judgeStandardForm(url);
  const scp = scpForm.exec(url);
  if (scp !== null && !url.includes('::') && !url.includes('://')) return judgeScpForm(url, scp);
  return refuse('only https:// and ssh:// addresses are accepted');
}

function judgeStandardForm(url: string): Result<AllowedUrl> {
  const [, protocol = '', authority = '', path = ''] = standardForm.exec(url) ?? [];
  if (/[?#]/u.test(url)) return refuse('it carries a query or fragment');
  const [, user, host] = authorityForm.exec(authority) ?? [];
  if (host === undefined) return refuse('its host is not a plain name, or it carries a password');
  if (protocol === 'https') {
    return user === undefined ? judgeParts({ url, protocol, host }, path) : refuse('it carries a user name or token');
  }
  if (user !== undefined && !userName.test(user)) return refuse('its user name is not plain');
  return judgeParts({ url, protocol: 'ssh', host }, path);
}

function judgeScpForm(url: string, [, user = '', host = '', path = '']: RegExpExecArray): Result<AllowedUrl> {
  if (!userName.test(user)) return refuse('its user name is not plain');
  return judgeParts({ url, protocol: 'ssh', host }, path.replace(/^\//u, ''));
}

function judgeParts(allowed: AllowedUrl, path: string): Result<AllowedUrl> {
  if (!hostName.test(allowed.host)) return refuse('its host is not a plain name');
  if (path === '') return refuse('it names no repository');
  const segments = path.replace(/\/$/u, '').split('/');
  if (!segments.every((segment) => pathSegment.test(segment))) return refuse('its path is not plain');
  return success(allowed);
}

function refuse(reason: string): Result<never> {
  return failure(gitErrors.AC_GIT_URL_REFUSED({ reason }));
}
