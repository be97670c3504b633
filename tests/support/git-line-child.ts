import { unwrap } from '@agentcompany/protocol';
import { openRepositories } from '../../orchestrator/src/git/open-repositories.ts';
import { wholeLine, type GitLine } from './git-line.ts';

/** A process that carries one result from bundle to push, told as JSON in its argument, and prints each git call before it makes it. */
const line = JSON.parse(process.argv[2] ?? '') as GitLine;
const onArguments = ([command = '']: readonly string[]): void => void process.stdout.write(`${command}\n`);
unwrap(await wholeLine(openRepositories({ ...line.repositories, onArguments }), line));
