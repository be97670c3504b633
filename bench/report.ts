import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, release, totalmem, type } from 'node:os';
import { isReached, type Contender, type Findings, type Outcome, type Target, type Unit } from './measurement.ts';

const times = (value: number): string => value.toFixed(2);

function figure(value: number, unit: Unit): string {
  const digits = value < 1 ? 3 : value < 100 ? 1 : 0;
  return unit === '/s' ? `${value.toFixed(value < 100 ? 1 : 0)}/s` : `${value.toFixed(digits)} ${unit}`;
}

function described({ name, durability }: Contender): string {
  return durability === null ? name : `${name} [${durability}]`;
}

function targetText(target: Target): string {
  return `${target.bound === 'at most' ? '<=' : '>='} ${target.ratio}`;
}

/** `P7 … / …: 512 ms / 400 ms = 1.28, target <= 1.35`; what is kept after which failure stands in brackets. */
export function outcomeLine({ side, floor, unit, oursFigure, floorFigure, ratio }: Outcome): string {
  const { row, target } = side;
  const verdict = isReached(target, ratio) === false ? '  (missed)' : '';
  const wanted = target === null ? 'for comparison' : `target ${targetText(target)}`;
  const figures = `${figure(oursFigure, unit)} / ${figure(floorFigure, unit)}`;
  return `${row.padEnd(4)} ${described(side)} / ${described(floor)}: ${figures} = ${times(ratio)}, ${wanted}${verdict}`;
}

function tableRow({ side, floor, unit, rounds, oursFigure, floorFigure, ratio, spread }: Outcome): string {
  const [least, most] = spread.map(times);
  const reached = { true: 'yes', false: '**no**', null: '' }[`${isReached(side.target, ratio)}`];
  const cells = [
    side.row,
    described(side),
    described(floor),
    figure(oursFigure, unit),
    figure(floorFigure, unit),
    side.target === null ? `${times(ratio)} (${least} to ${most})` : `**${times(ratio)}** (${least} to ${most})`,
    side.target === null ? '' : targetText(side.target).replace('<=', '≤').replace('>=', '≥'),
    reached,
    rounds,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** What the machine is, without its name: figures mean nothing without it. */
function machine(): string {
  const gibibytes = Math.round(totalmem() / 1024 ** 3);
  const versions = [
    `${type()} ${release().split('-')[0]}`,
    `Node ${process.versions.node}`,
    version('git', '--version'),
    dockerVersion(),
  ];
  return `${availableParallelism()} cores, ${gibibytes} GiB, ${versions.filter((text) => text !== '').join(', ')}`;
}

function version(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

function dockerVersion(): string {
  const server = version('docker', 'version', '--format', '{{.Server.Version}} ({{.Server.Os}}/{{.Server.Arch}})');
  return server === '' ? '' : `docker ${server}`;
}

/** The block of one group as the page holds it, between its markers. */
function block(group: string, findings: readonly Findings[], today: string): string {
  const notes = findings.flatMap((each) => each.notes);
  return [
    `Measured on ${today} by \`npm run bench -- ${group}\` on ${machine()}.`,
    '',
    '| | ours | floor | ours, median | floor, median | ratio (single rounds) | target | reached | rounds |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |',
    ...findings.flatMap((each) => each.outcomes).map(tableRow),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)]),
  ].join('\n');
}

/**
 * Puts the findings of a group between its markers (`<!-- measured: GROUP -->` to `<!-- /measured: GROUP -->`) in the page.
 * Returns false, and leaves the page alone, where it has no such markers.
 */
export function writeBlock(page: string, group: string, findings: readonly Findings[], today: string): boolean {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [`<!-- measured: ${group} -->`, `<!-- /measured: ${group} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) return false;
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n${block(group, findings, today)}\n${text.slice(to)}`);
  return true;
}
