import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findSecretForms, knownSecretFinder } from './find-secrets.ts';

const value = `k_${randomBytes(15).toString('base64url')}/+é`;
const find = knownSecretFinder([
  { name: 'MODEL_KEY', value },
  { name: 'OTHER', value: randomBytes(16).toString('hex') },
  { name: 'SHORT', value: 'word' },
]);
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const hex = bytes(value).toString('hex');

describe('secrets in what goes out', () => {
  it.each([
    ['as it is', value],
    ['in capitals', value.toUpperCase()],
    ['reversed', [...value].toReversed().join('')],
    ['in hexadecimal', hex],
    ['as escapes', hex.replaceAll(/../gu, '\\x$&')],
    ['as escapes of JSON', hex.replaceAll(/../gu, '\\u00$&')],
    ['percent-encoded', hex.replaceAll(/../gu, '%$&')],
    ['in base64', bytes(value).toString('base64')],
    ['in base64, one byte later', bytes(`x${value}y`).toString('base64')],
    ['in base64, two bytes later', bytes(`xx${value}yy`).toString('base64url')],
    ['reversed, then in base64', bytes(`:${[...value].toReversed().join('')}`).toString('base64')],
    ['with spaces between', [...value].join(' ')],
    ['with hidden characters between', [...value].join('\u200b')],
    ['over several lines', bytes(value).toString('base64').replaceAll(/.{5}/gu, '$&\n')],
    ['in the bytes of a file', bytes(`\0${value}\0`).toString('latin1')],
  ])('S43 finds a known secret %s, and says its name alone', (_, disguised) => {
    expect(find(`some text, ${disguised} and more`)).toEqual(['MODEL_KEY']);
  });

  it('S43 finds nothing in other text, nor a value that is a word', () => {
    expect(find('a word about the model key')).toEqual([]);
    expect(find(randomBytes(300).toString('base64'))).toEqual([]);
    expect(knownSecretFinder([])('anything')).toEqual([]);
  });

  it.each([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['a private key', '-----BEGIN PRIVATE KEY-----'],
    ['an Anthropic key', `sk-ant-api03-${'aB3'.repeat(10)}`],
    ['an OpenAI key', `sk-proj-${'aB3'.repeat(14)}`],
    ['a GitHub token', `ghp_${'aB3'.repeat(12)}`],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE'],
    ['a Google key', `AIza${'aB3de'.repeat(7)}`],
    ['a Slack token', 'xoxb-123456789012-abc'],
    ['an npm token', `npm_${'aB3'.repeat(12)}`],
    ['a signed web token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl'],
    ['a random string', 'key: Zq8vR2xK9mW4tB7nL1pY6sD3fG5hJ0cV'],
  ])('S43 finds %s by its form', (kind, text) => expect(findSecretForms(`x ${text} y`)).toContain(kind));

  it.each([
    'Adds packages/orchestrator/src/containers/SealedWorkerRunner2.test.ts to the list',
    'merge 0a4a31c5ef0f43e1082d8f75854b0a4a31c5ef0f43ab at 0198c5a0-0000-7000-8000-00000000beef',
    'thisIsAVeryLongCamelCaseIdentifierThatNobodyShouldWrite123',
    'the sk-learn model and a ghp_ prefix',
  ])('S43 takes ordinary words for ordinary: %s', (text) => expect(findSecretForms(text)).toEqual([]));
});
