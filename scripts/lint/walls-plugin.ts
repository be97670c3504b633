import { builtinModules } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { noClock } from './no-clock.ts';
import { placeProblem, wallProblem } from './walls.ts';

/**
 * The oxlint rule `walls/imports`. It sees what `no-restricted-imports` does not: `import()`, `require()`, the type
 * form `import("x").T`, and where a relative path really leads.
 */
interface SyntaxNode {
  readonly type: string;
  readonly value?: unknown;
  readonly source?: SyntaxNode | null;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly specifiers?: readonly SyntaxNode[];
  readonly callee?: SyntaxNode & { readonly name?: string };
  readonly arguments?: readonly SyntaxNode[];
  readonly expressions?: readonly SyntaxNode[];
  readonly quasis?: readonly { readonly value: { readonly cooked: string } }[];
}
interface RuleContext {
  readonly filename: string;
  report(problem: { node: SyntaxNode; message: string }): void;
}

const root = resolve(import.meta.dirname, '../..');
const builtins = new Set(builtinModules);

function textOf(node: SyntaxNode | null | undefined): string | null {
  if (node?.type === 'TemplateLiteral' && node.expressions?.length === 0) return node.quasis?.[0]?.value.cooked ?? null;
  return typeof node?.value === 'string' ? node.value : null;
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const specifiers = node.specifiers ?? [];
  return specifiers.length > 0 && specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type');
}

function fromRoot(path: string): string {
  return relative(root, path).split(sep).join('/');
}

function createVisitor(context: RuleContext): Record<string, (node: SyntaxNode) => void> {
  const file = fromRoot(context.filename);
  function judge(node: SyntaxNode, source: SyntaxNode | null | undefined, lazy: boolean): void {
    const specifier = textOf(source);
    if (specifier === null) {
      const problem = wallProblem({ file, specifier: '', target: null, lazy }, builtins);
      if (problem !== null) context.report({ node, message: 'an import must name its module as plain text' });
      return;
    }
    const isPath = specifier.startsWith('.') || specifier.startsWith('/');
    const target = isPath ? fromRoot(resolve(dirname(context.filename), specifier)) : null;
    const message = wallProblem({ file, specifier, target, lazy }, builtins);
    if (message !== null) context.report({ node, message });
  }
  const judgeSource = (node: SyntaxNode): void => judge(node, node.source, isTypeOnly(node));
  return {
    Program: (node) => {
      const message = placeProblem(file);
      if (message !== null) context.report({ node, message });
    },
    ImportDeclaration: judgeSource,
    ExportAllDeclaration: judgeSource,
    ExportNamedDeclaration: (node) => {
      if (node.source) judgeSource(node);
    },
    ImportExpression: (node) => judge(node, node.source, true),
    TSImportType: (node) => judge(node, node.source, true),
    CallExpression: (node) => {
      if (node.callee?.name === 'require') judge(node, node.arguments?.[0], false);
    },
  };
}

export default { meta: { name: 'walls' }, rules: { 'imports': { create: createVisitor }, 'no-clock': noClock } };
