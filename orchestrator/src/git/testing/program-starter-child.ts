import { createProgramStarter } from '../programs/program-starter.ts';

/** An engine in miniature: its starter's process carries out the shell script of the first argument, where there is one. */
const script = process.argv[2];
// A starter keeps no process up: this does, until the first word where there is nothing to carry out.
const keeper = setTimeout(() => undefined, 60_000);
const starter = createProgramStarter();
starter.start((event, { pid }) => {
  if (event !== 'program-starter-started') return;
  process.stdout.write(`${String(pid)}\n`);
  if (script === undefined) return clearTimeout(keeper);
  const environment = { PATH: '/usr/bin:/bin' };
  void starter.run({ command: 'sh', arguments: ['-c', script], environment, outputLimit: 1000, timeoutMs: 60_000 });
});
