// `npm run requirements`: which test shows which row; `-- --mutate ROW` breaks a row and sees its test turn red.
import { resolve } from 'node:path';
import { runRequirements } from './requirements/run-requirements.ts';

process.exitCode = await runRequirements(resolve(import.meta.dirname, '..'), process.argv.slice(2));
