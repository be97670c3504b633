import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runtimeNamed, runtimeNames, type RuntimeName } from './containers/runtime-names.ts';
import { groups } from './groups.ts';
import { measure } from './measure.ts';
import type { Findings, Measurement } from './measurement.ts';
import { outcomeLine, writeBlock } from './report.ts';

const usage = `usage: npm run bench -- [GROUP ...] [--rounds N] [--runtime NAME]
groups: ${Object.keys(groups).join(', ')} (all where none is named)
--runtime: measure containers on this one only (${runtimeNames.map((name) => name.replaceAll(' ', '-')).join(', ')})
The figures go to standard output and, where docs/performance.md has a place for the group and all of it was measured, there too.`;

interface Request {
  readonly names: readonly string[];
  readonly rounds: number | null;
  /** Null: every one. */
  readonly runtime: RuntimeName | null;
}

function readCommandLine(args: readonly string[]): Request | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' }, runtime: { type: 'string' }, help: { type: 'boolean' } },
  });
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  const runtime = values.runtime === undefined ? null : runtimeNamed(values.runtime);
  const isValid =
    (runtime !== null || values.runtime === undefined) &&
    positionals.every((name) => Object.hasOwn(groups, name)) &&
    (rounds === null || (Number.isInteger(rounds) && rounds > 0));
  if (values.help === true || !isValid) return null;
  return { names: positionals.length === 0 ? Object.keys(groups) : positionals, rounds, runtime };
}

/** Measures the groups one after the other; what two of them share is measured once. */
async function run({ names, rounds, runtime }: Request): Promise<void> {
  const page = join(import.meta.dirname, '..', 'docs', 'performance.md');
  const today = new Date().toISOString().slice(0, 10);
  const known = new Map<Measurement, Findings>();
  for (const name of names) {
    const findings: Findings[] = [];
    for (const measurement of (await groups[name]?.(runtime)) ?? []) {
      const found = known.get(measurement) ?? (await measure(measurement, rounds ?? measurement.rounds));
      if (!known.has(measurement)) print(found);
      known.set(measurement, found);
      findings.push(found);
    }
    if (runtime === null && writeBlock(page, name, findings, today))
      console.error(`docs/performance.md: ${name} written`);
  }
}

function print({ outcomes, notes }: Findings): void {
  for (const outcome of outcomes) console.log(outcomeLine(outcome));
  for (const note of notes) console.log(`     ${note}`);
}

// Ends with what is done at the end of any process: servers are stopped, folders removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const request = readCommandLine(process.argv.slice(2));
if (request === null) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await run(request);
}
