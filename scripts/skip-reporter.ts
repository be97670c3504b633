import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { maySkip, type SkipRule } from './may-skip.ts';

/** A test reporter that turns a run red when a test skipped itself without a rule in `tests/may-skip.json`. */
export class SkipReporter implements Reporter {
  readonly #rules: readonly SkipRule[];
  readonly #continuousIntegration: boolean;
  #root = '';
  #filtered = false;

  constructor(rules: readonly SkipRule[], continuousIntegration: boolean) {
    this.#rules = rules;
    this.#continuousIntegration = continuousIntegration;
  }

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
    // Tests a name filter leaves out count as skipped too, and are meant.
    this.#filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#filtered) return;
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => ({ file: this.#fileOf(module), name: test.fullName })),
    );
    const refused = skipped.filter(({ file }) => !maySkip(this.#rules, file, this.#continuousIntegration));
    for (const { file, name } of refused)
      process.stderr.write(`skipped without leave (tests/may-skip.json): ${file} > ${name}\n`);
    if (refused.length > 0) process.exitCode = 1;
  }

  #fileOf(module: TestModule): string {
    return relative(this.#root, module.moduleId).replaceAll('\\', '/');
  }
}
