import process from 'node:process';
import { exitCodes } from './exit-codes.ts';
import { processIo } from './process-io.ts';
import { runProgram } from './program.ts';

const graceMilliseconds = 2000;

const exitCode = await runProgram(process.argv, processIo());
process.exitCode = exitCode;
// After an interrupt nothing may hold the terminal for long, whatever is still open.
if (exitCode === exitCodes.interrupted) setTimeout(() => process.exit(exitCode), graceMilliseconds).unref();
