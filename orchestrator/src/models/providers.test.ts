import { openAnthropic } from './anthropic/open-anthropic.ts';
import { openGemini } from './gemini/open-gemini.ts';
import { openOllama } from './ollama/open-ollama.ts';
import { openOpenai } from './openai/open-openai.ts';
import { anthropicDialect } from './testing/anthropic-dialect.ts';
import { geminiDialect } from './testing/gemini-dialect.ts';
import { ollamaDialect } from './testing/ollama-dialect.ts';
import { openaiDialect } from './testing/openai-dialect.ts';
import { providerContract } from './testing/provider-contract.ts';

providerContract({ name: 'anthropic', dialect: anthropicDialect, open: openAnthropic, path: '' });
providerContract({ name: 'openai', dialect: openaiDialect, open: openOpenai, path: '/v1' });
providerContract({ name: 'gemini', dialect: geminiDialect, open: openGemini, path: '' });
providerContract({ name: 'ollama', dialect: ollamaDialect, open: openOllama, path: '' });
