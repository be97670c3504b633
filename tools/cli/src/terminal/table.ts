import { fit } from './clean-text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Paints a cell after it was cut and padded. */
  readonly paint?: (row: Row, cell: string) => string;
  /** The one column that takes what is left of the width. */
  readonly elastic?: boolean;
}

const gap = '  ';
/** An inelastic column is never wider. Ids and branches fit: they are there to be copied. */
const widest = 64;

/** Lines of a table at most `width` characters wide; cells are cleaned of control characters. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): readonly string[] {
  const limit = (column: Column<Row>): number => (column.elastic === true ? width : widest);
  const natural = columns.map((column) =>
    rows.reduce((most, row) => Math.max(most, [...fit(column.value(row), limit(column))].length), column.title.length),
  );
  const fixed = columns.reduce((sum, column, index) => sum + (column.elastic === true ? 0 : (natural[index] ?? 0)), 0);
  const left = Math.max(10, width - fixed - gap.length * (columns.length - 1));
  const widths = columns.map((column, index) =>
    column.elastic === true ? Math.min(natural[index] ?? 0, left) : (natural[index] ?? 0),
  );
  const pad = (text: string, index: number): string =>
    text + ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...text].length));
  const header = columns
    .map((column, index) => pad(column.title, index))
    .join(gap)
    .trimEnd();
  const body = rows.map((row) =>
    columns
      .map((column, index) => {
        const cell = fit(column.value(row), widths[index] ?? 0);
        const padded = index === columns.length - 1 ? cell : pad(cell, index);
        return column.paint === undefined ? padded : column.paint(row, padded);
      })
      .join(gap)
      .trimEnd(),
  );
  return [header, ...body];
}
