import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import {
  agentDefinition,
  commandAgent,
  failure,
  success,
  type AgentDefinition,
  type Result,
} from '@agentcompany/protocol';
import type { z } from 'zod';
import { parseYamlDocument, YamlSyntaxError, type YamlDocument } from '../documents/yaml-document.ts';
import { definitionErrors as errors } from './errors.ts';

const maximumBytes = 256 * 1024;
/** Ends the name of a file that defines an agent. */
export const definitionSuffix = '.yaml';

/**
 * Reads one agent from its file, whose name is the agent's. What is absent has the values of row W7.
 * Errors: `AC_AGENT_UNREADABLE`; `AC_AGENT_INVALID` naming the file, the line and the field.
 */
export function readDefinition(file: string): Result<AgentDefinition> {
  let text: string;
  try {
    const details = statSync(file);
    if (!details.isFile()) return failure(errors.AC_AGENT_UNREADABLE({ file }, 'it is not a file'));
    if (details.size > maximumBytes) return failure(errors.AC_AGENT_UNREADABLE({ file }, 'it is too large'));
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    return failure(errors.AC_AGENT_UNREADABLE({ file }, cause));
  }
  return parseDefinition(text, file);
}

function parseDefinition(text: string, file: string): Result<AgentDefinition> {
  const refuse = (problem: string, line: number | null): Result<never> =>
    failure(errors.AC_AGENT_INVALID({ problem, file, line: line === null ? '' : `:${line}` }));
  let document: YamlDocument;
  try {
    document = parseYamlDocument(text);
  } catch (cause) {
    if (!(cause instanceof YamlSyntaxError)) throw cause;
    return refuse(cause.message, cause.line);
  }
  const name = basename(file, definitionSuffix);
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('fields with values are expected', document.lineOf([]));
  const parsed = agentDefinition.safeParse({ name, ...value });
  if (!parsed.success) {
    const { path, problem } = firstIssue(parsed.error);
    return refuse(problem, document.lineOf(path));
  }
  const found = contradiction(parsed.data, name);
  return found === null
    ? success(parsed.data)
    : refuse(`${found.field}: ${found.problem}`, document.lineOf([found.field]));
}

/** A misspelt field is unknown and may leave another missing: the first says more. */
function firstIssue(error: z.ZodError): { readonly path: readonly PropertyKey[]; readonly problem: string } {
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0];
  if (issue === undefined) return { path: [], problem: 'unknown problem' };
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  return { path, problem: `${path.join('.')}: ${unknown === undefined ? issue.message : 'unknown field'}` };
}

/** What no single field can tell: the company has one Manager and one Reviewer, and they are called that. */
function contradiction(
  { name, role, runtime, tools }: AgentDefinition,
  fileName: string,
): { readonly field: string; readonly problem: string } | null {
  if (name !== fileName) return { field: 'name', problem: `the file is called ${fileName}` };
  if (name === commandAgent)
    return { field: 'name', problem: `${commandAgent} is the agent that runs what a task says` };
  const isNamedForHost = name === 'manager' || name === 'reviewer';
  if (isNamedForHost && role !== name) return { field: 'role', problem: `${name} has the role of its name` };
  if (!isNamedForHost && role !== 'worker') return { field: 'role', problem: `only the agent called ${role} has it` };
  if (role !== 'worker' && runtime !== 'builtin') return { field: 'runtime', problem: 'only a worker has one' };
  if (role !== 'worker' && tools !== null) return { field: 'tools', problem: 'only a worker has any' };
  return null;
}
