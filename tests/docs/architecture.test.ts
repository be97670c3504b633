import { describe, expect, it } from 'vitest';
import { attemptTable } from '../../orchestrator/src/company/attempt-table.ts';
import { runTable } from '../../orchestrator/src/company/run-table.ts';
import { attemptEnds, runEnds, taskEnds } from '../../orchestrator/src/company/states.ts';
import { taskTable } from '../../orchestrator/src/company/task-table.ts';
import { codeWords, section, tableRows } from './pages.ts';

type Table = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

function rowsOf(table: Table): readonly string[] {
  return Object.entries(table).flatMap(([from, moves]) =>
    Object.entries(moves).map(([type, targets]) => `${from} --${type}--> ${targets.join(', ')}`),
  );
}

describe('docs/architecture.md', () => {
  it.each([
    ['### Run', runTable as Table, runEnds],
    ['### Task', taskTable as Table, taskEnds],
    ['### Attempt', attemptTable as Table, attemptEnds],
  ])('%s has the table of the code, row by row', (heading, table, ends) => {
    const text = section('docs/architecture.md', heading);
    const rows = tableRows(text).map(([from = '', type = '', to = '']) => {
      const [state = '', envelope = ''] = codeWords(`${from} ${type}`);
      return `${state} --${envelope}--> ${codeWords(to).join(', ')}`;
    });
    expect(rows).toEqual(rowsOf(table));
    expect(codeWords(/Ends: (.*?)\./.exec(text)?.[1] ?? '').toSorted()).toEqual([...ends].toSorted());
  });
});
