import { describe, expect, it } from 'vitest';
import { openNowhere } from './testing/git-fixture.ts';
import { judgeUrl } from './url-policy.ts';

const refused = [
  'ext::sh -c touch% /tmp/x',
  'ext::sh',
  'file:///etc',
  'file://localhost/etc',
  '--upload-pack=touch x',
  '-x',
  'ssh://-oProxyCommand=x/y',
  'ssh://user@-oProxyCommand=x/y',
  'git@-x:y',
  'git@host:-y',
  'git@host:a/-b',
  '-git@host:y',
  'https://user:tok@h/r',
  'https://tok@h/r',
  'ssh://user:tok@h/r',
  'https://h/a\nb',
  'https://h/a%0ab',
  'https://h/a%0Dx',
  'https://h/a%00b',
  'https://h/a%2fb',
  'https://h/a b',
  'https://h',
  'https://h/',
  'https:///r',
  'http://h/r',
  'git://h/r',
  'ftp://h/r',
  '/etc',
  './x',
  '../x',
  'C:\\x',
  'x',
  '',
  'fd::17',
  'https://h/../x',
  'https://h/a?b=c',
  'https://h/a#b',
  'https://[::1]/r',
  'https://h_/r',
  'ssh://a b@h/r',
  'host:path',
  'https://h/r\u0000',
  'https://-h/r',
  'transport::https://h/r',
  'git@host:ext::sh',
] as const;

describe('the policy of addresses', () => {
  it.each(refused)('S30 refuses %j before git is started', async (url) => {
    const { repositories, calls } = openNowhere({ source: { url, isFolder: false } });
    expect(await repositories.synchronize()).toMatchObject({ ok: false, error: { code: 'AC_GIT_URL_REFUSED' } });
    expect(calls).toEqual([]);
  });

  it('S30 does not repeat a password', () => {
    expect(JSON.stringify(judgeUrl('https://user:s3cret@example.org/r'))).not.toContain('s3cret');
  });

  it.each([
    'https://github.com/owner/repository.git',
    'https://git.example.org:8443/a/b/c',
    'https://example.org/~user/x.git/',
    'ssh://git@github.com/owner/repository.git',
    'ssh://git@example.org:2222/r',
    'git@github.com:owner/repository.git',
    'https://example.org/with%20space/r',
  ])('accepts %s', (url) => {
    expect(judgeUrl(url)).toMatchObject({ ok: true, value: { url } });
  });

  it.each(['relative/folder', '--upload-pack=x', '/with\nline'])('S30 refuses the folder %j', async (url) => {
    const { repositories, calls } = openNowhere({ source: { url, isFolder: true } });
    expect(await repositories.synchronize()).toMatchObject({ ok: false, error: { code: 'AC_GIT_URL_REFUSED' } });
    expect(calls).toEqual([]);
  });
});
