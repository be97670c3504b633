// Writes docs/errors.md from the error catalogues of all packages.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

// The condition lets the workspaces be imported by name from their sources, built or not.
const main = resolve(import.meta.dirname, 'errors-page/main.ts');
const { status } = spawnSync(process.execPath, ['--conditions=development', main], { stdio: 'inherit' });
process.exitCode = status ?? 1;
