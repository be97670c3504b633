// `npm run check`: types, lint with the import walls, format, unused code, style budget. Needs Node 24.
import { resolve } from 'node:path';
import { runCheck } from './check/run-check.ts';

process.exitCode = (await runCheck(resolve(import.meta.dirname, '..'))) ? 0 : 1;
