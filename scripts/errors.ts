import { errorCatalogue } from '../agent-bus/protocol/src/app-error.ts';

/** Errors of the repository's own tools. */
export const toolErrors = errorCatalogue({
  AC_CHECK_TOOL_MISSING: {
    message: 'the {tool} binary for this platform ({platform}) is not installed',
    remedy: 'Run `npm install` with optional dependencies allowed; demo and test do not need it, only check does.',
    retry: 'never',
  },
  AC_REQUIREMENT_INVALID: {
    message: '{file} is not a valid requirement: {problem}',
    remedy: 'Give it row, text and mutation {file, find, replace} as AGENTS.md describes.',
    retry: 'never',
  },
  AC_REQUIREMENT_UNKNOWN: {
    message: 'no requirement is recorded for row {row}',
    remedy: 'Run `npm run requirements` for the rows there are, or add requirements/{row}.json.',
    retry: 'never',
  },
  AC_REQUIREMENT_UNTESTED: {
    message: 'row {row} is claimed but no test names it',
    remedy: 'Put the row id into the name of the test that shows it, or remove requirements/{row}.json.',
    retry: 'never',
  },
  AC_MUTATION_MISPLACED: {
    message: 'the mutation of row {row} does not apply: its text occurs {count} times in {file}',
    remedy: 'Make `find` a text that occurs exactly once.',
    retry: 'never',
  },
});
