/**
 * Operators on literals. Messages of several words are skipped, as tests need not pin their wording.
 * @module
 */

import type { Edit } from "./mutation.ts";
import { ts } from "./typescript.ts";

const { SyntaxKind } = ts;

/** The mutants of a literal. */
export function mutateLiteral(node: ts.Expression): Edit[] {
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return mutateString(node);
  if (ts.isNumericLiteral(node)) return mutateNumber(node);
  if (ts.isArrayLiteralExpression(node)) {
    return listWithoutOne(node.elements).map(({ rest, dropped }) => (
      { operator: "drop-element", text: `[${rest}]`, dropped }
    ));
  }
  if (ts.isObjectLiteralExpression(node)) {
    return listWithoutOne(node.properties).map(({ rest, dropped }) => (
      { operator: "drop-property", text: `{ ${rest} }`, dropped }
    ));
  }
  if (ts.isRegularExpressionLiteral(node)) return mutateRegex(node.text);
  if (node.kind === SyntaxKind.TrueKeyword) return [{ operator: "boolean", text: "false" }];
  return node.kind === SyntaxKind.FalseKeyword ? [{ operator: "boolean", text: "true" }] : [];
}

/** Whether a string has several words: it is then a message, and not compared. */
export function isSentence(node: ts.Expression): boolean {
  if (ts.isTemplateExpression(node)) {
    const texts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
    return /[a-z]\s|\s[a-z]/i.test(texts.join(" ").trim());
  }
  return ts.isStringLiteralLike(node) && /[^\s]\s+[^\s]/.test(node.text);
}

function mutateString(node: ts.StringLiteralLike | ts.TemplateExpression): Edit[] {
  if (isSentence(node)) return [];
  const isEmpty = ts.isStringLiteralLike(node) && node.text === "";
  return [{ operator: "string", text: isEmpty ? '"mutant"' : '""' }];
}

function mutateNumber(node: ts.NumericLiteral): Edit[] {
  const number = Number(node.text);
  const others = number === 0 ? [1] : [number + 1, number - 1];
  return others.map((other) => ({ operator: "number", text: `${other}` }));
}

/** For each element, the list without it. */
function listWithoutOne(nodes: readonly ts.Node[]): { rest: string; dropped: string }[] {
  const texts = nodes.map((node) => node.getText());
  return texts.map((dropped, index) => ({ rest: texts.toSpliced(index, 1).join(", "), dropped }));
}

/** The expression without `^`, without `$`, and without the flag `i`. */
function mutateRegex(text: string): Edit[] {
  const end = text.lastIndexOf("/");
  const [body, flags] = [text.slice(1, end), text.slice(end + 1)];
  const others: string[] = [];
  if (body.startsWith("^")) others.push(`/${body.slice(1)}/${flags}`);
  if (/[^\\]\$$/.test(body)) others.push(`/${body.slice(0, -1)}/${flags}`);
  if (flags.includes("i")) others.push(`/${body}/${flags.replace("i", "")}`);
  return others.map((other) => ({ operator: "regex", text: other }));
}
