/**
 * The oxlint rule `walls/no-clock`, for code that must be a function of what is on record. A `Date` may be made from a
 * given time and text may be parsed; everything else about `Date` could read the clock.
 */
interface SyntaxNode {
  readonly type: string;
  readonly name?: string;
  readonly parent?: SyntaxNode;
  readonly callee?: SyntaxNode;
  readonly arguments?: readonly SyntaxNode[];
  readonly object?: SyntaxNode;
  readonly property?: SyntaxNode;
  readonly computed?: boolean;
}
interface RuleContext {
  report(problem: { node: SyntaxNode; message: string }): void;
}

function readsNoClock(node: SyntaxNode): boolean {
  const parent = node.parent;
  if (parent === undefined) return false;
  if (parent.type === 'TSTypeReference') return true;
  if (parent.type === 'NewExpression' && parent.callee === node) return parent.arguments?.length !== 0;
  const isMember = parent.type === 'MemberExpression' && parent.object === node && parent.computed !== true;
  return isMember && ['parse', 'UTC'].includes(parent.property?.name ?? '');
}

export const noClock = {
  create: (context: RuleContext) => ({
    Identifier(node: SyntaxNode): void {
      if (node.name !== 'Date' || readsNoClock(node)) return;
      context.report({ node, message: 'The fold has no clock: time enters as timer_due.' });
    },
  }),
};
