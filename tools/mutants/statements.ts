/**
 * Operators on statements and functions: dropped statements and early returns.
 * @module
 */

import type { Edit } from "./mutation.ts";
import { ts } from "./typescript.ts";

const { SyntaxKind } = ts;

/** Whether a statement can be dropped. */
export function isDroppable(node: ts.Statement): boolean {
  if (ts.isThrowStatement(node) || ts.isContinueStatement(node)) return true;
  if (ts.isBreakStatement(node)) return isInLoop(node);
  if (ts.isReturnStatement(node)) return node.expression === undefined || isGuard(node);
  return ts.isExpressionStatement(node) && !isSuper(node.expression) && hasEffect(node.expression);
}

/** A `break` in a `switch` is not dropped. */
function isInLoop(node: ts.Node): boolean {
  for (
    let parent = node.parent;
    !ts.isFunctionLike(parent) && !ts.isSourceFile(parent);
    parent = parent.parent
  ) {
    if (ts.isSwitchStatement(parent)) return false;
    if (ts.isIterationStatement(parent, false)) return true;
  }
  return false;
}

/** Whether a return is the body of an `if` without an `else`. */
function isGuard(node: ts.Statement): boolean {
  const { parent } = node;
  return ts.isIfStatement(parent) && parent.thenStatement === node &&
    parent.elseStatement === undefined;
}

function isSuper(node: ts.Expression): boolean {
  return ts.isCallExpression(node) && node.expression.kind === SyntaxKind.SuperKeyword;
}

function hasEffect(node: ts.Expression): boolean {
  if (ts.isAwaitExpression(node)) return hasEffect(node.expression);
  return ts.isCallExpression(node) || ts.isBinaryExpression(node) || ts.isDeleteExpression(node) ||
    ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node) ||
    ts.isYieldExpression(node);
}

/** Statements that return a plausible value of the declared type. */
export function listEarlyReturns(node: ts.SignatureDeclaration, body: ts.Block): Edit[] {
  const isGenerator = "asteriskToken" in node && node.asteriskToken !== undefined;
  if (isGenerator || ts.isConstructorDeclaration(node)) return [];
  const values = node.type === undefined
    ? (returnsValue(body) ? [] : [""])
    : listValues(unwrapPromise(node.type));
  return values
    // For a single statement, `drop-statement` makes the same mutant.
    .filter((value) => value !== "" || body.statements.length > 1)
    .filter((value) => body.statements[0]?.getText() !== `return ${value};`)
    .map((value) => ({
      operator: "return-early",
      text: value === "" ? "return;" : `return ${value};`,
    }));
}

function returnsValue(node: ts.Node): boolean {
  if (ts.isReturnStatement(node)) return node.expression !== undefined;
  return ts.isFunctionLike(node) ? false : ts.forEachChild(node, returnsValue) ?? false;
}

function unwrapPromise(type: ts.TypeNode): ts.TypeNode {
  const isPromise = ts.isTypeReferenceNode(type) && type.typeName.getText() === "Promise";
  return (isPromise ? type.typeArguments?.[0] : undefined) ?? type;
}

function listValues(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) {
    const members = new Set(type.types.map((one) => one.getText()));
    return ["null", "undefined"].filter((value) => members.has(value));
  }
  if (ts.isArrayTypeNode(type)) return ["[]"];
  if (ts.isTypeOperatorNode(type)) return listValues(type.type);
  if (ts.isTypePredicateNode(type)) return type.assertsModifier ? [""] : ["true", "false"];
  switch (type.kind) {
    case SyntaxKind.VoidKeyword:
      return [""];
    case SyntaxKind.BooleanKeyword:
      return ["true", "false"];
    case SyntaxKind.StringKeyword:
      return ['""'];
    case SyntaxKind.NumberKeyword:
      return ["0"];
    default:
      return [];
  }
}
