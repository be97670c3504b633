import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initHome } from './company-home.ts';
import { loadConfig } from './config.ts';
import { knownSecrets } from './known-secrets.ts';
import { knownSecretFinder } from './text/find-secrets.ts';

describe('the secrets a company works with', () => {
  it('S43 are keys, passwords, tokens, and what its projects’ repositories are reached with', () => {
    const folder = mkdtempSync(join(tmpdir(), 'known-secrets-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const home = unwrap(initHome(folder));
    const keyFile = join(folder, 'deploy_key');
    const lines = ['b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE', 'QyNTUxOQAAACBkZXBsb3kga2V5IG9mIGEgdGVz'];
    writeFileSync(
      keyFile,
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    );
    const project = (id: string, credentials: object): object => {
      const git_url = `https://git.example/${id}.git`;
      return {
        id,
        name: id,
        git_url,
        default_branch: 'main',
        integration_branch: 'main',
        git_credentials: credentials,
      };
    };
    const projects = [
      project('shop', { type: 'token', token: '${SHOP_TOKEN}' }),
      project('till', { type: 'deploy_key', key_file: keyFile }),
      project('gone', { type: 'deploy_key', key_file: join(folder, 'nowhere') }),
      project('unset', { type: 'token', token: '${NOT_SET}' }),
    ];
    writeFileSync(home.projectsFile, JSON.stringify({ version: 1, projects }));
    const environment = { OPENAI_API_KEY: 'key-of-a-model', SHOP_TOKEN: 'token-of-the-shop' };
    const flags = { redis_url: 'redis://:of%20the%20bus@127.0.0.1' };
    const { config } = unwrap(loadConfig({ home, environment, flags }));
    const secrets = unwrap(knownSecrets({ home, config, environment }));
    expect(secrets.map(({ name }) => name)).toEqual([
      'OPENAI_API_KEY',
      'the password in redis_url',
      'the token of worker hosts',
      'SHOP_TOKEN',
      'the deploy key of project till',
    ]);
    const find = knownSecretFinder(secrets);
    expect(find('+token-of-the-shop')).toEqual(['SHOP_TOKEN']);
    // As a diff shows it, without the lines that give it away.
    expect(find(lines.map((line) => `+  ${line}`).join('\n'))).toEqual(['the deploy key of project till']);
  });
});
