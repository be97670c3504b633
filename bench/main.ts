import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { groups } from './groups.ts';
import { measure } from './measure.ts';
import type { Findings, Measurement } from './measurement.ts';
import { outcomeLine, writeBlock } from './report.ts';

const usage = `usage: npm run bench -- [GROUP ...] [--rounds N]
groups: ${Object.keys(groups).join(', ')} (all where none is named)
The figures go to standard output and, where docs/performance.md has a place for the group, there too.`;

interface Request {
  readonly names: readonly string[];
  readonly rounds: number | null;
}

function readCommandLine(args: readonly string[]): Request | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' }, help: { type: 'boolean' } },
  });
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  const isValid =
    positionals.every((name) => Object.hasOwn(groups, name)) &&
    (rounds === null || (Number.isInteger(rounds) && rounds > 0));
  if (values.help === true || !isValid) return null;
  return { names: positionals.length === 0 ? Object.keys(groups) : positionals, rounds };
}

/** Measures the groups one after the other; what two of them share is measured once. */
async function run({ names, rounds }: Request): Promise<void> {
  const page = join(import.meta.dirname, '..', 'docs', 'performance.md');
  const today = new Date().toISOString().slice(0, 10);
  const known = new Map<Measurement, Findings>();
  for (const name of names) {
    const findings: Findings[] = [];
    for (const measurement of (await groups[name]?.()) ?? []) {
      const found = known.get(measurement) ?? (await measure(measurement, rounds ?? measurement.rounds));
      if (!known.has(measurement)) print(found);
      known.set(measurement, found);
      findings.push(found);
    }
    if (writeBlock(page, name, findings, today)) console.error(`docs/performance.md: ${name} written`);
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
