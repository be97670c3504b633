import { toolErrors } from '../errors.ts';
import { errorLines } from '../print-error.ts';
import { binOf, runNode, type ToolRun } from '../run-tool.ts';
import { checkStyleBudget } from './style-budget.ts';

interface Step {
  readonly name: string;
  run(root: string): Promise<ToolRun>;
}

function tool(name: string, packageName: string, toolArguments: readonly string[], bin?: string): Step {
  return {
    name,
    run: async (root) =>
      describeMissing(packageName, await runNode(root, [await binOf(root, packageName, bin), ...toolArguments])),
  };
}

const steps: readonly Step[] = [
  tool('types', 'typescript', ['-p', '.'], 'tsc'),
  tool('lint', 'oxlint', ['--type-aware', '--deny-warnings', '--format', 'unix']),
  tool('format', 'oxfmt', ['--check']),
  tool('unused', 'knip', ['--no-progress', '--no-config-hints']),
  { name: 'budget', run: checkStyleBudget },
];

/**
 * These tools are a thin script and a native binary in an optional package of its own per platform.
 * npm installs without it when the registry lacks it, and the tool then ends with a stack trace.
 */
const missingBinary =
  /cannot find native binding|cannot find module '@(oxlint|oxlint-tsgolint|oxfmt|oxc-\w+|typescript)\/|failed to find type-aware linter|unable to resolve @typescript\//i;

function describeMissing(packageName: string, run: ToolRun): ToolRun {
  const missing = run.code === 0 ? undefined : missingBinary.exec(run.output)?.[0];
  if (missing === undefined) return run;
  const tool = /type-aware|tsgolint/i.test(missing) ? 'oxlint-tsgolint' : packageName;
  const platform = `${process.platform}-${process.arch}`;
  return { code: run.code, output: errorLines(toolErrors.AC_CHECK_TOOL_MISSING({ tool, platform })) };
}

/** Runs every step at once and prints one line each as it ends, then what the failed ones said. True when all passed. */
export async function runCheck(root: string): Promise<boolean> {
  const failures: string[] = [];
  await Promise.all(
    steps.map(async (step) => {
      const start = performance.now();
      const { code, output } = await step.run(root);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(8)} ${seconds} s`);
      if (code !== 0) failures.push(`\n${step.name}:\n${output.trim()}`);
    }),
  );
  for (const failure of failures) console.log(failure);
  return failures.length === 0;
}
