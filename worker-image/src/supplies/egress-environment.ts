import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { EgressOrder } from '@agentcompany/protocol';

/** What the loopback interface serves is not behind the proxy. */
const direct = '127.0.0.1,localhost,::1';
/** Authorities that the image trusts, where it has any. */
const systemAuthorities = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/**
 * What programs are told of the way out: the proxy, each in its own words, and whom to trust where the host looks into connections. Writes
 * the certificates into `folder`.
 */
export async function egressEnvironment(
  proxy: string,
  { certificate }: EgressOrder,
  folder: string,
): Promise<Record<string, string>> {
  const proxied = {
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    NODE_USE_ENV_PROXY: '1',
    npm_config_proxy: proxy,
    npm_config_https_proxy: proxy,
    npm_config_noproxy: direct,
    // What asks with POST, and is no part of an installation.
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    ...gitSettings({ 'http.proxy': proxy, 'protocol.https.allow': 'always' }),
  };
  if (certificate === null) return proxied;
  await mkdir(folder, { recursive: true });
  const own = `${folder}/authority.pem`;
  const all = `${folder}/authorities.pem`;
  const system = systemAuthorities.find((file) => existsSync(file));
  await writeFile(own, certificate);
  await writeFile(all, `${system === undefined ? '' : readFileSync(system, 'utf8')}\n${certificate}`);
  return {
    ...proxied,
    // Added to its own by Node; the others are told of one file with all.
    NODE_EXTRA_CA_CERTS: own,
    npm_config_cafile: all,
    SSL_CERT_FILE: all,
    CURL_CA_BUNDLE: all,
    REQUESTS_CA_BUNDLE: all,
    PIP_CERT: all,
    GIT_SSL_CAINFO: all,
    CARGO_HTTP_CAINFO: all,
  };
}

/** Settings of git as variables: stronger than any file (git-config, GIT_CONFIG_COUNT). */
function gitSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(Object.keys(settings).length) };
  for (const [index, [key, value]] of Object.entries(settings).entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
