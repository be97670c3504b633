import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, release, totalmem, type } from 'node:os';
import type { Outcome } from './measurement.ts';

const milliseconds = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
const times = (value: number): string => value.toFixed(2);

/** `P7 … : 512 ms / 400 ms = 1.28, target 1.35`. */
export function outcomeLine(outcome: Outcome): string {
  const { row, ours, floor, oursMs, floorMs, ratio, target } = outcome;
  const verdict = ratio <= target ? '' : '  (missed)';
  return `${row.padEnd(4)} ${ours} / ${floor}: ${milliseconds(oursMs)} / ${milliseconds(floorMs)} = ${times(ratio)}, target ${target}${verdict}`;
}

function tableRow(outcome: Outcome): string {
  const { row, ours, floor, rounds, oursMs, floorMs, ratio, target } = outcome;
  const [least, most] = outcome.spread.map(times);
  const reached = ratio <= target ? 'yes' : '**no**';
  return `| ${[row, ours, floor, milliseconds(oursMs), milliseconds(floorMs), `**${times(ratio)}** (${least} to ${most})`, target, reached, rounds].join(' | ')} |`;
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
function block(group: string, outcomes: readonly Outcome[], today: string): string {
  return [
    `Measured on ${today} by \`npm run bench -- ${group}\` on ${machine()}.`,
    '',
    '| | ours | floor | ours, median | floor, median | ratio (single rounds) | target | reached | rounds |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |',
    ...outcomes.map(tableRow),
  ].join('\n');
}

/**
 * Puts the outcomes of a group between its markers (`<!-- measured: GROUP -->` to `<!-- /measured: GROUP -->`) in the page.
 * Returns false, and leaves the page alone, where it has no such markers.
 */
export function writeBlock(page: string, group: string, outcomes: readonly Outcome[], today: string): boolean {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [`<!-- measured: ${group} -->`, `<!-- /measured: ${group} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) return false;
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n${block(group, outcomes, today)}\n${text.slice(to)}`);
  return true;
}
