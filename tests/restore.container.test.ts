import { rmSync } from 'node:fs';
import { openBus, type OpenBusOptions } from '@agentcompany/agent-bus';
import { unwrap, type BusRecord } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../orchestrator/src/config.ts';
import { openCompany } from '../orchestrator/src/open-company.ts';
import { environmentOfEngine, git, installation, openTestCompany, planOf } from './support/open-test-company.ts';

const plan = planOf(
  [
    { id: 'one', run: { command: 'date +%s%N > one.txt' } },
    { id: 'two', run: { command: 'date +%s%N > two.txt' }, depends_on: ['one'] },
  ],
  { verify: ['test -f one.txt && test -f two.txt'] },
);

async function exported(place: OpenBusOptions): Promise<readonly BusRecord[]> {
  const bus = unwrap(await openBus(place));
  const records: BusRecord[] = [];
  for await (const record of bus.exportRecords()) records.push(unwrap(record));
  await bus.close();
  return records;
}

async function* each(records: readonly BusRecord[]): AsyncIterable<BusRecord> {
  yield* records;
}

describe('a company whose bus is put back to an earlier copy', () => {
  // What the copy does not know of was done all the same: the branch is pushed, the pull request open.
  it.each(['plan_request', 'task_assign', 'merge_complete', 'effect_request push'])(
    'S84 goes on from a copy taken at the first %s, to the same one push and pull request',
    async (moment) => {
      const test = await openTestCompany({ adapter: 'sqlite' });
      try {
        const place: OpenBusOptions = { adapter: 'sqlite', folder: test.home.busFolder };
        const request = { projectId: 'app', instruction: 'Write two files', plan };
        const { runId } = unwrap(await test.company.submit(request));
        const signal = AbortSignal.timeout(100_000);
        const driving = test.company.drive({ runs: [runId], signal });
        let copy: readonly BusRecord[] = [];
        for await (const { envelope } of test.company.timeline(runId, { after: 0, follow: true, signal })) {
          const effect = envelope.payload['effect'] as { kind?: string } | undefined;
          if (moment !== [envelope.envelope_type, effect?.kind].filter(Boolean).join(' ')) continue;
          copy = await exported(place);
          break;
        }
        unwrap(await driving);
        const [first] = unwrap(await test.company.listPullRequests());
        await test.company.close();

        rmSync(test.home.busFolder, { recursive: true });
        const restored = unwrap(await openBus(place));
        unwrap(await restored.importRecords(each(copy)));
        await restored.close();
        const { config } = unwrap(loadConfig({ home: test.home, environment: {} }));
        const environment = environmentOfEngine();
        const company = unwrap(await openCompany(test.home, { config, environment, installation }));
        unwrap(await company.drive({ runs: [runId], signal }));
        const run = unwrap(await company.showRun(runId));
        expect(run.error).toBeNull();
        expect(run.state).toBe('published');
        const requests = unwrap(await company.listPullRequests());
        expect(requests.map(({ number, branch, state }) => ({ number, branch, state }))).toEqual([
          { number: 1, branch: first?.branch, state: 'open' },
        ]);
        expect(git(test.repository, 'rev-parse', first?.branch ?? '')).toBe(run.tip_oid);
        expect(
          git(test.repository, 'log', '--merges', '--format=%s', run.tip_oid ?? '')
            .split('\n')
            .toSorted(),
        ).toEqual(['Merge: Task one', 'Merge: Task two']);
        await company.close();
      } finally {
        await test.dispose();
      }
    },
  );
});
