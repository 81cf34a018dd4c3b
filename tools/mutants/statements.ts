/**
 * Operators on statements and functions: what is left out, and where a function returns at once.
 * @module
 */

import type { Edit } from "./mutation.ts";
import { ts } from "./typescript.ts";

const { SyntaxKind } = ts;

/** Whether a statement can be left out and the rest still runs. */
export function isDroppable(node: ts.Statement): boolean {
  if (ts.isThrowStatement(node) || ts.isContinueStatement(node)) return true;
  if (ts.isBreakStatement(node)) return isInLoop(node);
  if (ts.isReturnStatement(node)) return node.expression === undefined || isGuard(node);
  return ts.isExpressionStatement(node) && !isSuper(node.expression) && hasEffect(node.expression);
}

/** `break` in a `switch` only keeps the next case out. */
function isInLoop(node: ts.Node): boolean {
  for (let up = node.parent; !ts.isFunctionLike(up) && !ts.isSourceFile(up); up = up.parent) {
    if (ts.isSwitchStatement(up)) return false;
    if (ts.isIterationStatement(up, false)) return true;
  }
  return false;
}

/** `if (…) return …;` without an else: what follows would run instead. */
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

/** Statements that end a function at once with a plausible value, by its declared type. */
export function listEarlyReturns(node: ts.SignatureDeclaration, body: ts.Block): Edit[] {
  const isGenerator = "asteriskToken" in node && node.asteriskToken !== undefined;
  if (isGenerator || ts.isConstructorDeclaration(node)) return [];
  const values = node.type === undefined
    ? (returnsValue(body) ? [] : [""])
    : listValues(unwrapPromise(node.type));
  return values
    // One statement alone is dropped by another operator, or says the same.
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
    const words = new Set(type.types.map((one) => one.getText()));
    return ["null", "undefined"].filter((word) => words.has(word));
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
