import { failure, success, type Result } from '@agentcompany/protocol';
import { devcontainerErrors } from './errors.ts';

/** One instruction of a Dockerfile: a word in capitals and what follows it, on one line. */
export interface Instruction {
  readonly word: string;
  readonly rest: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** An image that a stage stands on: a name that is to be resolved, or an earlier stage. */
export interface Stage {
  readonly from: { readonly kind: 'image' | 'stage'; readonly name: string };
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile as far as it may be built: global arguments are replaced in it already. */
export interface Recipe {
  readonly stages: readonly Stage[];
}

const allowed: ReadonlySet<string> = new Set(
  'ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM LABEL MAINTAINER RUN SHELL STOPSIGNAL USER WORKDIR'.split(' '),
);
const mostInstructions = 500;

/** Why an instruction is not built, or null. What is not plainly harmless is not left to the engine's own reading. */
function ruleOf({ word, rest }: Instruction, stages: readonly Stage[]): string | null {
  if (word === 'ADD') return 'ADD may fetch from the network with the rights of the engine: use COPY';
  if (word === 'VOLUME' || word === 'HEALTHCHECK' || word === 'ONBUILD') return `images of workers have no ${word}`;
  // The engine would take the next line for a part of this one.
  if (rest.endsWith('\\')) return 'a line that ends with a backslash goes on nowhere';
  if (!allowed.has(word)) return `${word.slice(0, 40)} is not an instruction that is built`;
  if (/<<-?\s*["']?[A-Za-z_]/.test(rest) && (word === 'RUN' || word === 'COPY')) return 'here-documents are not built';
  if (word === 'RUN' && rest.startsWith('--')) return 'RUN takes no options here: no mounts, no network';
  return word === 'COPY' ? ruleOfCopy(rest, stages) : null;
}

function ruleOfCopy(rest: string, stages: readonly Stage[]): string | null {
  for (const flag of rest.split(/\s+/)) {
    if (!flag.startsWith('--')) return null;
    const [name, value = ''] = flag.split('=', 2);
    if (name === '--chown') continue;
    if (name !== '--from') return `COPY takes only --from and --chown here, not ${flag.slice(0, 40)}`;
    const isEarlier = stages.some((stage, index) => stage.name === value.toLowerCase() || String(index) === value);
    if (!isEarlier) return '--from names no earlier stage of this file';
  }
  return null;
}

/** The instructions of a Dockerfile, each on one line: comments gone, continued lines joined. Null where a parser directive changes how it is read. */
function instructionsOf(text: string): readonly Instruction[] | null {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.some((line, index) => isDirective(line, lines.slice(0, index)))) return null;
  const found: Instruction[] = [];
  let [held, start] = ['', 0];
  const take = (): void => {
    const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(held) ?? [];
    if (word !== '') found.push({ word: word.toUpperCase(), rest, line: start });
    held = '';
  };
  for (const [index, line] of lines.entries()) {
    if (/^\s*#/.test(line) || (held !== '' && line.trim() === '')) continue;
    if (held === '') start = index + 1;
    held += line.replace(/\\[ \t]*$/, '');
    if (!/\\[ \t]*$/.test(line)) take();
  }
  take();
  return found;
}

/** `# escape=…`, `# syntax=…`, `# check=…`: only before anything else. */
function isDirective(line: string, before: readonly string[]): boolean {
  return /^\s*#\s*(escape|syntax|check)\s*=/i.test(line) && before.every((other) => /^\s*#/.test(other));
}

/** Replaces `$NAME` and `${NAME}` by global arguments; null where something else would have to be replaced. */
function replaced(text: string, values: ReadonlyMap<string, string>): string | null {
  let isKnown = true;
  const done = text.replace(/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g, (_, braced: string, bare: string) => {
    const value = values.get(braced ?? bare);
    isKnown &&= value !== undefined;
    return value ?? '';
  });
  return isKnown && !done.includes('$') ? done : null;
}

/** `NAME`, `NAME=value`, `NAME="value"`. */
function argumentOf(rest: string): { readonly name: string; readonly value: string | undefined } | null {
  const match = /^([A-Za-z_]\w*)(?:=(?:"([^"\\$]*)"|'([^']*)'|([^\s"'\\$]*)))?$/.exec(rest);
  if (match === null) return null;
  return { name: match[1] ?? '', value: match[2] ?? match[3] ?? match[4] };
}

/**
 * Reads a Dockerfile of the repository, up to the stage `target` where one is named, with `args` in the place of its arguments. What the
 * engine gets is written anew from this: its own reading has nothing left to differ in. Error: `AC_DEVCONTAINER_REFUSED` naming the line.
 */
export function readDockerfile(
  file: string,
  text: string,
  { args, target }: { readonly args: Readonly<Record<string, string>>; readonly target: string | null },
): Result<Recipe> {
  const refuse = (line: number, rule: string): Result<never> =>
    failure(devcontainerErrors.AC_DEVCONTAINER_REFUSED({ file, line, rule }));
  const instructions = instructionsOf(text);
  if (instructions === null) return refuse(1, 'parser directives (escape, syntax, check) are not obeyed');
  if (instructions.length > mostInstructions) return refuse(1, `it has more than ${mostInstructions} instructions`);
  const globals = new Map<string, string>();
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const instruction of instructions) {
    const { word, rest, line } = instruction;
    const current = stages.at(-1);
    const rule = ruleOf(instruction, stages.slice(0, -1));
    if (rule !== null) return refuse(line, rule);
    if (word === 'FROM') {
      if (target !== null && current?.name === target.toLowerCase()) break;
      const from = replaced(rest, globals);
      const stage = from === null ? null : stageOf(from, stages);
      if (stage === null) return refuse(line, 'FROM takes an image or an earlier stage, and a name: nothing else');
      stages.push({ ...stage, instructions: [] });
    } else if (word === 'ARG') {
      const argument = argumentOf(rest);
      if (argument === null) return refuse(line, 'ARG takes one name and a plain value');
      const value = args[argument.name] ?? argument.value ?? globals.get(argument.name);
      if (current === undefined) globals.set(argument.name, value ?? '');
      else current.instructions.push({ ...instruction, rest: argumentText(argument.name, value) });
    } else if (current === undefined) return refuse(line, `${word} stands before FROM`);
    else current.instructions.push(instruction);
  }
  if (stages.length === 0) return refuse(1, 'it has no FROM');
  if (target !== null && stages.at(-1)?.name !== target.toLowerCase())
    return refuse(1, `it has no stage ${target}, which build.target names`);
  return success({ stages });
}

/** A value in quotes, in which nothing is replaced. */
export function quoted(value: string): string {
  return `"${value.replace(/[\\"$]/g, '\\$&')}"`;
}

function argumentText(name: string, value: string | undefined): string {
  return value === undefined ? name : `${name}=${quoted(value)}`;
}

function stageOf(from: string, earlier: readonly Stage[]): Omit<Stage, 'instructions'> | null {
  const match = /^([A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254})(?:\s+[Aa][Ss]\s+([A-Za-z][A-Za-z0-9_.-]{0,127}))?$/.exec(from);
  if (match === null) return null;
  const [, reference = '', name] = match;
  const isStage = earlier.some((stage) => stage.name === reference.toLowerCase());
  const base = isStage ? reference.toLowerCase() : reference;
  return { from: { kind: isStage ? 'stage' : 'image', name: base }, name: name?.toLowerCase() ?? null };
}

/** The recipe as the engine gets it: an instruction a line, images by their ids, the environment of the container at the end. */
export function writeDockerfile(
  { stages }: Recipe,
  ids: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>>,
): string {
  const lines = stages.flatMap(({ from, name, instructions }) => [
    `FROM ${(from.kind === 'image' ? ids.get(from.name) : undefined) ?? from.name}${name === null ? '' : ` AS ${name}`}`,
    ...instructions.map(({ word, rest }) => `${word} ${rest}`),
  ]);
  const variables = Object.entries(environment).map(([variable, value]) => `ENV ${variable}=${quoted(value)}`);
  return [...lines, ...variables, ''].join('\n');
}
