import { anthropic } from './anthropic/anthropic.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini/gemini.ts';
import { ollama } from './ollama/ollama.ts';
import { openai } from './openai.ts';

/** The wire formats that are served. */
export const dialects: readonly Dialect[] = [anthropic, openai, gemini, ollama];
