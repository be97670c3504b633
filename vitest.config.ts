import { defineConfig } from 'vitest/config';
import { excludedFiles, readSkipRules } from './scripts/may-skip.ts';
import { SkipReporter } from './scripts/skip-reporter.ts';

// Workspace packages are links into this checkout: with this condition their `exports` name the sources.
const conditions = ['development', 'node', 'import', 'default'];
const continuousIntegration = process.env['CI'] === 'true';
const rules = readSkipRules(new URL('tests/may-skip.json', import.meta.url));
const missing = excludedFiles(rules, process.env['AGENTCOMPANY_TEST_WITHOUT'], continuousIntegration);
/** They start whole programs time and again: too slow for the quick loop. */
const slow = [
  'scripts/check.test.ts',
  'scripts/requirements.test.ts',
  'agent-bus/src/adapters/*/*-{model,power-cut,processes}.test.ts',
  'agent-bus/src/adapters/file/file-{compaction,damage}.test.ts',
  'agent-bus/src/adapters/sqlite/sqlite-upgrade.test.ts',
  'orchestrator/src/mcp/mcp-servers.test.ts',
  'tools/cli/src/demo/package-cache.test.ts',
];
const never = ['**/node_modules/**', '**/dist/**', '**/.cache/**'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    globalSetup: ['scripts/testing/temporary-root.ts'],
    reporters: ['default', new SkipReporter(rules, continuousIntegration)],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{agent-bus,orchestrator,worker-image,tools,scripts,bench}/**/*.test.ts', 'tests/docs/*.test.ts'],
          exclude: [...never, ...slow, '**/*.container.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: [
            ...slow,
            'tests/**/*.test.ts',
            '{agent-bus,orchestrator,worker-image,tools,scripts}/**/*.container.test.ts',
          ],
          exclude: [...never, ...missing, 'tests/docs/**'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
