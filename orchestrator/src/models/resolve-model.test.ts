import { unwrap } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { modelFamilies, resolveModel } from './resolve-model.ts';

describe('resolveModel', () => {
  it.each([
    ['Claude', 'anthropic', /^claude-/],
    ['Gemini', 'gemini', /^gemini-/],
    ['o3', 'openai', /^o3$/],
    ['GPT', 'openai', /^gpt-/],
    ['Llama', 'ollama', /^llama/],
  ])('W6 takes %s for a model of %s, whatever the adapter', (name, provider, form) => {
    for (const adapter of ['ollama', 'anthropic', 'openai'] as const) {
      const resolved = unwrap(resolveModel(name, adapter, false));
      expect(resolved.provider).toBe(provider);
      expect(resolved.model).toMatch(form);
    }
  });

  it('W6 names what is known where a name means nothing', () => {
    for (const adapter of ['anthropic', 'openai', 'gemini'] as const) {
      const resolved = resolveModel('other', adapter, false);
      expect(resolved).toMatchObject({ ok: false, error: { code: 'AC_MODEL_NAME_UNKNOWN' } });
      for (const family of Object.keys(modelFamilies))
        expect(resolved.ok ? '' : resolved.error.message).toContain(family);
    }
  });

  it('takes names of the adapter as they are, any name at a compatible server, and PROVIDER:NAME', () => {
    expect(unwrap(resolveModel('claude-opus-5', 'anthropic', false)).model).toBe('claude-opus-5');
    expect(unwrap(resolveModel('qwen3:8b', 'ollama', true))).toEqual({ provider: 'ollama', model: 'qwen3:8b' });
    expect(unwrap(resolveModel('Qwen/Qwen3', 'openai', true))).toEqual({ provider: 'openai', model: 'Qwen/Qwen3' });
    expect(unwrap(resolveModel('openai:new-one', 'ollama', true))).toEqual({ provider: 'openai', model: 'new-one' });
    expect(unwrap(resolveModel('ollama:llama3.2:3b', 'openai', false)).model).toBe('llama3.2:3b');
    expect(unwrap(resolveModel('constructor', 'ollama', true)).model).toBe('constructor');
  });
});
