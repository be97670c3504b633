import type { ComparedFact, ReplayReport } from '@agentcompany/orchestrator/replay';
import { cleanLine, counted, fit } from './clean-text.ts';
import { renderTable, type Column } from './table.ts';

/** Characters of a digest that tell it from another. */
const shownDigest = 12;
const short = (text: string): string => (/^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, shownDigest) : text);

const columns: readonly Column<ComparedFact>[] = [
  { title: 'WHAT', value: (fact) => fact.what },
  { title: '', value: (fact) => (fact.same ? 'same' : 'differs') },
  { title: 'RECORDED', value: (fact) => short(fact.recorded) },
  { title: 'REPLAYED', value: (fact) => short(fact.replayed), elastic: true },
];

/** How a run went the second time, for people: what was compared, and where it first left its course. */
export function replayLines(report: ReplayReport, width: number): readonly string[] {
  const { recorded, used } = report.exchanges;
  return [
    ...renderTable(report.facts, columns, width),
    '',
    `${counted(recorded, 'recorded answer')}, ${used} used`,
    ...missLines(report, width),
    report.same ? 'The run went the same way.' : 'The run went another way.',
  ];
}

function missLines({ first_unrecorded: miss }: ReplayReport, width: number): readonly string[] {
  if (miss === null) return [];
  const head = `It left its course at request ${short(miss.digest)}, which was not recorded.`;
  if (miss.nearest === null) return [head];
  const { scope, path, recorded, asked } = miss.nearest;
  const lines = [
    `The nearest one is of ${cleanLine(scope)}; they differ at ${cleanLine(path)}:`,
    `  recorded  ${cleanLine(recorded)}`,
    `  now       ${cleanLine(asked)}`,
  ];
  return [head, ...lines.map((line) => fit(line, width))];
}
