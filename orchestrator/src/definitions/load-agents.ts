import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { failure, success, type AgentDefinition, type Result } from '@agentcompany/protocol';
import { definitionErrors as errors } from './errors.ts';
import { definitionSuffix, readDefinition } from './read-definition.ts';

/** Where definitions lie: those of the product, and the company's own, which stand before them. */
export interface AgentFolders {
  readonly shipped: string;
  /** Null where there is no company yet. */
  readonly own: string | null;
}

/** A definition and the file it stands in. */
export interface DefinedAgent {
  readonly definition: AgentDefinition;
  readonly file: string;
  readonly origin: 'shipped' | 'company';
}

/** The folders of the product that lies at `installation` and of the company at `home`. */
export function agentFolders(installation: string, home: string | null): AgentFolders {
  return { shipped: join(installation, 'agents'), own: home === null ? null : join(home, 'agents') };
}

/**
 * All agents there are, by name; one of the company's own replaces the shipped one of that name. A file that cannot be used is an
 * error, also where nobody asks for its agent. Errors: those of `readDefinition`.
 */
export function loadAgents({ shipped, own }: AgentFolders): Result<readonly DefinedAgent[]> {
  const agents = new Map<string, DefinedAgent>();
  for (const [folder, origin] of [
    [shipped, 'shipped'],
    ...(own === null || isSame(own, shipped) ? [] : [[own, 'company'] as const]),
  ] as const) {
    const files = definitionFiles(folder);
    if (!files.ok) return files;
    for (const file of files.value) {
      const definition = readDefinition(file);
      if (!definition.ok) return definition;
      agents.set(definition.value.name, { definition: definition.value, file, origin });
    }
  }
  return success(
    [...agents.values()].toSorted((left, right) => (left.definition.name < right.definition.name ? -1 : 1)),
  );
}

/** A checkout may be the home of a company as well. */
function isSame(left: string, right: string): boolean {
  try {
    return realpathSync(left) === realpathSync(right);
  } catch {
    return false;
  }
}

/** Other files may lie beside them; one that looks like a definition and would not be read is an error. */
function definitionFiles(folder: string): Result<readonly string[]> {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return success([]);
    return failure(errors.AC_AGENT_UNREADABLE({ file: folder }, cause));
  }
  const stranger = names.find(
    (name) => /\.(?:yml|json)$/i.test(name) || (/\.yaml$/i.test(name) && !name.endsWith('.yaml')),
  );
  if (stranger !== undefined)
    return failure(
      errors.AC_AGENT_INVALID({
        problem: `name: must end in ${definitionSuffix}`,
        file: join(folder, stranger),
        line: '',
      }),
    );
  return success(names.filter((name) => name.endsWith(definitionSuffix)).map((name) => join(folder, name)));
}
