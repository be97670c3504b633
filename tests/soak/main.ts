/** `npm run soak -- [--adapter file] [--tasks 10000] [--seed 1]`: prints one line a batch, then what does not hold. */
import { parseArgs } from 'node:util';
import { busAdapters } from '@agentcompany/agent-bus';
import { openSoakPlace } from './soak-place.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    adapter: { type: 'string', default: 'file' },
    tasks: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const adapter = busAdapters.find((name) => name === values.adapter);
if (adapter === undefined) throw new Error(`there is no adapter ${values.adapter}: ${busAdapters.join(', ')}`);
const place = await openSoakPlace(adapter);
const seed = Number(values.seed);
process.stdout.write(`${values.tasks} tasks on ${values.adapter}, seed ${seed}\n`);
try {
  const begun = performance.now();
  const report = await soak({
    ...place,
    tasks: Number(values.tasks),
    seed,
    onBatch: ({ batch, kills, engine, client, storeBytes }) => {
      const sizes = [engine.memory, client.memory, storeBytes].map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`);
      process.stdout.write(
        `batch ${batch}: ${kills} kills; engine ${sizes[0]}, ${engine.descriptors} descriptors; client ${sizes[1]}, ${client.descriptors} descriptors; store ${sizes[2]}\n`,
      );
    },
  });
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  process.stdout.write(
    `${report.tasks} tasks, ${report.kills} kills, ${seconds} s, ${report.problems.length} problems\n`,
  );
  for (const problem of report.problems) process.stdout.write(`  ${problem}\n`);
  process.exitCode = report.problems.length === 0 ? 0 : 1;
} finally {
  await place.dispose();
}
