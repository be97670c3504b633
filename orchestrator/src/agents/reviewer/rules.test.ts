import type { ChangedPath } from '@agentcompany/protocol';
import { describe, expect, it } from 'vitest';
import { task } from '../../company/testing/fixtures.ts';
import { judge, maximumChangedLines, type Submission } from './rules.ts';

type RuleName = 'verify-green' | 'non-empty' | 'declared-paths' | 'size' | 'no-new-executable' | 'no-conflict-marker';

const added = (path: string, more: Partial<ChangedPath> = {}): ChangedPath => ({
  path,
  status: 'A',
  old_mode: '000000',
  new_mode: '100644',
  ...more,
});
const report = (command: string, exitCode: number | null) => ({
  command,
  exit_code: exitCode,
  duration_ms: 1,
  output: '',
});

/** A result that no rule objects to. */
const good: Submission = {
  task: task('a', { paths: ['src/**', 'README.md'] }),
  required: ['make lint', 'make test'],
  result: {
    commit: 'c',
    tree: 'tree',
    bundle: { sha256: 's', bytes: 1 },
    agent: report('make a', 0),
    verify: [report('make lint', 0), report('make test', 0)],
  },
  ingested: {
    commit: 'c2',
    tree: 'tree',
    base_oid: 'b',
    changes: [added('src/a.ts')],
    insertions: 3,
    deletions: 1,
    protected_paths: [],
  },
  conflictMarkers: [],
};

function withTask(more: Parameters<typeof task>[1], changes = good.ingested.changes): Submission {
  return { ...good, task: task('a', more), ingested: { ...good.ingested, changes } };
}
function withIngested(more: Partial<Submission['ingested']>): Submission {
  return { ...good, ingested: { ...good.ingested, ...more } };
}
function withVerify(...verify: Submission['result']['verify']): Submission {
  return { ...good, result: { ...good.result, verify } };
}

const refused: readonly (readonly [RuleName, string, Submission, readonly (string | null)[]])[] = [
  ['verify-green', 'a red check', withVerify(report('make lint', 0), report('make test', 1)), [null]],
  ['verify-green', 'a check that was killed', withVerify(report('make lint', null), report('make test', 0)), [null]],
  ['verify-green', 'a check that never ran', withVerify(report('make lint', 0)), [null]],
  ['verify-green', 'a check of another name', withVerify(report('make lint', 0), report('make tes', 0)), [null]],
  ['verify-green', 'checks on another tree than the one handed over', withIngested({ tree: 'other' }), [null]],
  ['non-empty', 'a result that changes nothing', withIngested({ changes: [] }), [null]],
  [
    'declared-paths',
    'a path outside those declared',
    withIngested({ changes: [added('src/a.ts'), added('package.json')] }),
    ['package.json'],
  ],
  ['declared-paths', 'a hidden path outside those declared', withIngested({ changes: [added('.npmrc')] }), ['.npmrc']],
  [
    'declared-paths',
    'a deletion outside those declared',
    withIngested({ changes: [added('LICENSE', { status: 'D' })] }),
    ['LICENSE'],
  ],
  [
    'declared-paths',
    'a path that a negated pattern would let in',
    withTask({ paths: ['!src/**'] }, [added('docs/x')]),
    ['docs/x'],
  ],
  ['size', 'one line more than the cap', withIngested({ insertions: maximumChangedLines, deletions: 1 }), [null]],
  [
    'no-new-executable',
    'a new executable',
    withIngested({ changes: [added('src/x.sh', { new_mode: '100755' })] }),
    ['src/x.sh'],
  ],
  [
    'no-new-executable',
    'a file that became executable',
    withIngested({ changes: [added('src/x.sh', { status: 'M', old_mode: '100644', new_mode: '100755' })] }),
    ['src/x.sh'],
  ],
  ['no-conflict-marker', 'a conflict marker', { ...good, conflictMarkers: ['src/a.ts'] }, ['src/a.ts']],
];

const passed: readonly (readonly [RuleName, string, Submission])[] = [
  ['verify-green', 'every required check green on the very tree', good],
  [
    'verify-green',
    'a check that was red before it was green',
    withVerify(report('make test', 1), ...good.result.verify),
  ],
  ['verify-green', 'no check where none is required', { ...withVerify(), required: [] }],
  ['non-empty', 'nothing at all where the task allows it', withTask({ paths: [], allow_empty: true }, [])],
  [
    'declared-paths',
    'declared paths, hidden ones among them',
    withIngested({ changes: [added('src/.hidden/a'), added('README.md')] }),
  ],
  ['declared-paths', 'any path where the task declares none', withTask({ paths: [] }, [added('anything')])],
  ['size', 'exactly the cap', withIngested({ insertions: maximumChangedLines - 1, deletions: 1 })],
  [
    'no-new-executable',
    'an executable that was one before',
    withIngested({ changes: [added('src/x.sh', { status: 'M', old_mode: '100755', new_mode: '100755' })] }),
  ],
  [
    'no-new-executable',
    'a new executable where the task allows it',
    withTask({ paths: [], allow_executable: true }, [added('x.sh', { new_mode: '100755' })]),
  ],
  ['no-conflict-marker', 'text without markers', good],
];

describe('the rules of the Reviewer', () => {
  it.each(refused)('%s objects to %s', (rule, _, submission, paths) => {
    const findings = judge(submission);
    expect(findings.map((finding) => [finding.rule, finding.severity, finding.path])).toStrictEqual(
      paths.map((path) => [rule, 'error', path]),
    );
  });

  it.each(passed)('%s lets pass %s', (_, __, submission) => {
    expect(judge(submission)).toStrictEqual([]);
  });

  it('objects to everything at once, in the order of the rules', () => {
    const worst: Submission = {
      ...good,
      required: ['make test'],
      result: { ...good.result, verify: [] },
      ingested: {
        ...good.ingested,
        changes: [added('x.sh', { new_mode: '100755' })],
        insertions: maximumChangedLines + 1,
      },
      conflictMarkers: ['x.sh'],
    };
    expect(judge(worst).map(({ rule }) => rule)).toStrictEqual([
      'verify-green',
      'declared-paths',
      'size',
      'no-new-executable',
      'no-conflict-marker',
    ]);
  });
});
