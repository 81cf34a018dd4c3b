/**
 * Operators on expressions: conditions, logic, comparisons, arithmetic, calls.
 * @module
 */

import { isSentence } from "./literals.ts";
import type { Edit } from "./mutation.ts";
import { ts } from "./typescript.ts";

const { SyntaxKind } = ts;

/** Binary operators and their replacements. */
const SWAPS: ReadonlyMap<string, { operator: string; to: string }> = new Map([
  ["<", { operator: "boundary", to: "<=" }],
  ["<=", { operator: "boundary", to: "<" }],
  [">", { operator: "boundary", to: ">=" }],
  [">=", { operator: "boundary", to: ">" }],
  ["===", { operator: "equality", to: "!==" }],
  ["!==", { operator: "equality", to: "===" }],
  ["&&", { operator: "logic", to: "||" }],
  ["||", { operator: "logic", to: "&&" }],
  ["&&=", { operator: "logic", to: "||=" }],
  ["||=", { operator: "logic", to: "&&=" }],
  ["??=", { operator: "logic", to: "=" }],
  ["+", { operator: "arithmetic", to: "-" }],
  ["-", { operator: "arithmetic", to: "+" }],
  ["*", { operator: "arithmetic", to: "/" }],
  ["/", { operator: "arithmetic", to: "*" }],
  ["%", { operator: "arithmetic", to: "*" }],
  ["+=", { operator: "arithmetic", to: "-=" }],
  ["-=", { operator: "arithmetic", to: "+=" }],
  ["|", { operator: "arithmetic", to: "&" }],
  ["&", { operator: "arithmetic", to: "|" }],
  ["<<", { operator: "arithmetic", to: ">>" }],
  [">>", { operator: "arithmetic", to: "<<" }],
]);

const PAIRS = [
  ["some", "every"],
  ["startsWith", "endsWith"],
  ["find", "findLast"],
  ["findIndex", "findLastIndex"],
  ["indexOf", "lastIndexOf"],
  ["min", "max"],
  ["ceil", "floor"],
  ["push", "unshift"],
  ["shift", "pop"],
] as const;

/** Methods with a counterpart that takes the same arguments. */
const COUNTERPARTS: ReadonlyMap<string, string> = new Map(
  PAIRS.flatMap(([one, other]) => [[one, other], [other, one]]),
);

/** Methods whose result has the type of their object, so that the call can be removed. */
const REMOVABLE: ReadonlySet<string> = new Set([
  ...["trim", "trimStart", "trimEnd", "toLowerCase", "toUpperCase", "replace", "replaceAll"],
  ...["filter", "slice", "sort", "toSorted", "reverse", "toReversed", "flat"],
]);

/** The mutants of one expression itself, not of those inside it. */
export function mutateExpression(node: ts.Expression): Edit[] {
  const edits = isCondition(node) ? negate(node) : [];
  if (ts.isBinaryExpression(node)) return [...edits, ...mutateBinary(node)];
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    return [...edits, ...mutateUnary(node)];
  }
  if (ts.isCallExpression(node)) return [...edits, ...mutateMethod(node), ...dropArgument(node)];
  return ts.isNewExpression(node) ? [...edits, ...dropArgument(node)] : edits;
}

/** Whether the node is the condition of an `if`, a loop or a `? :`. */
function isCondition(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent)) {
    return parent.expression === node;
  }
  return (ts.isConditionalExpression(parent) || ts.isForStatement(parent)) &&
    parent.condition === node;
}

function negate(node: ts.Expression): Edit[] {
  // The operator `equality` makes the same mutant.
  if (
    ts.isBinaryExpression(node) && SWAPS.get(node.operatorToken.getText())?.operator === "equality"
  ) {
    return [];
  }
  return isNot(node) ? [] : [{ operator: "negate", text: `!(${node.getText()})` }];
}

function isNot(node: ts.Expression): boolean {
  return ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken;
}

function mutateBinary(node: ts.BinaryExpression): Edit[] {
  const token = node.operatorToken.getText();
  const [left, right] = [node.left.getText(), node.right.getText()];
  if (token === "??") return mutateFallback(node);
  const swap = SWAPS.get(token);
  // Strings cannot be subtracted.
  if (swap === undefined || (token.startsWith("+") && [node.left, node.right].some(isString))) {
    return [];
  }
  const isAssignment = token !== "===" && token !== "!==" && token.endsWith("=") &&
    !/^[<>]=$/.test(token);
  const text = isAssignment ? `${left} ${swap.to} (${right})` : `(${left}) ${swap.to} (${right})`;
  const edits = [{ operator: swap.operator, text }];
  if (token === "||" && isLiteral(node.right)) {
    edits.push({ operator: "fallback", text: `(${left}) ?? (${right})` });
  }
  return edits;
}

/** `a ?? b` → `a`, and → `a || b` unless the fallback is falsy or an object, which would be equivalent. */
function mutateFallback({ left, right }: ts.BinaryExpression): Edit[] {
  const edits = [{ operator: "fallback", text: left.getText() }];
  const isEquivalent = /^(""|0|false|undefined|\[.*\]|\{.*\}|new .*)$/s.test(right.getText());
  const text = `(${left.getText()}) || (${right.getText()})`;
  return isEquivalent ? edits : [...edits, { operator: "fallback", text }];
}

function isString(node: ts.Expression): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) ||
    (ts.isBinaryExpression(node) && node.operatorToken.getText() === "+" &&
      [node.left, node.right].some(isString));
}

function isLiteral(node: ts.Expression): boolean {
  return ts.isStringLiteralLike(node) || ts.isNumericLiteral(node) ||
    node.kind === SyntaxKind.NullKeyword;
}

function mutateUnary(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): Edit[] {
  const operand = node.operand.getText();
  switch (node.operator) {
    case SyntaxKind.ExclamationToken:
      // `!!x` converts to a boolean: both are removed.
      return [{ operator: "negate", text: isNot(node.operand) ? `!${operand.slice(1)}` : operand }];
    case SyntaxKind.PlusPlusToken:
      return [{ operator: "arithmetic", text: node.getText().replace("++", "--") }];
    case SyntaxKind.MinusMinusToken:
      return [{ operator: "arithmetic", text: node.getText().replace("--", "++") }];
    case SyntaxKind.MinusToken:
      return [{ operator: "arithmetic", text: operand }];
    default:
      return [];
  }
}

function mutateMethod({ expression: callee, ...call }: ts.CallExpression): Edit[] {
  if (!ts.isPropertyAccessExpression(callee)) return [];
  const name = callee.name.text;
  const edits: Edit[] = [];
  if (REMOVABLE.has(name)) {
    edits.push({ operator: "drop-method", text: callee.expression.getText() });
  }
  const counterpart = COUNTERPARTS.get(name);
  if (counterpart !== undefined) {
    const dot = callee.questionDotToken === undefined ? "." : "?.";
    const args = call.arguments.map((argument) => argument.getText()).join(", ");
    const text = `${callee.expression.getText()}${dot}${counterpart}(${args})`;
    edits.push({ operator: "swap-method", text });
  }
  return edits;
}

/** Drops the last of several arguments, which may be optional. */
function dropArgument(node: ts.CallExpression | ts.NewExpression): Edit[] {
  const args = node.arguments;
  const last = args?.at(-1);
  if (args === undefined || last === undefined) return [];
  if (args.length < 2 || isSentence(last)) return [];
  const callee = node.getText().slice(0, args.pos - node.getStart());
  const kept = args.slice(0, -1).map((arg) => arg.getText()).join(", ");
  return [{ operator: "drop-argument", text: `${callee}${kept})` }];
}
