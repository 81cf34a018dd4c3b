/**
 * Operators on literals. Sentences for people are left alone: no test needs to pin their wording.
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
    return listWithoutOne(node.elements).map(({ rest, without }) => (
      { operator: "drop-element", text: `[${rest}]`, without }
    ));
  }
  if (ts.isObjectLiteralExpression(node)) {
    return listWithoutOne(node.properties).map(({ rest, without }) => (
      { operator: "drop-property", text: `{ ${rest} }`, without }
    ));
  }
  if (ts.isRegularExpressionLiteral(node)) return mutateRegex(node.text);
  if (node.kind === SyntaxKind.TrueKeyword) return [{ operator: "boolean", text: "false" }];
  return node.kind === SyntaxKind.FalseKeyword ? [{ operator: "boolean", text: "true" }] : [];
}

/** A text of several words is read by people, not compared. */
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

/** The list as many times as it has elements, each time without one. */
function listWithoutOne(nodes: readonly ts.Node[]): { rest: string; without: string }[] {
  const texts = nodes.map((node) => node.getText());
  return texts.map((without, place) => ({ rest: texts.toSpliced(place, 1).join(", "), without }));
}

/** Without its first or last anchor, and without `i`. */
function mutateRegex(text: string): Edit[] {
  const end = text.lastIndexOf("/");
  const [body, flags] = [text.slice(1, end), text.slice(end + 1)];
  const others: string[] = [];
  if (body.startsWith("^")) others.push(`/${body.slice(1)}/${flags}`);
  if (/[^\\]\$$/.test(body)) others.push(`/${body.slice(0, -1)}/${flags}`);
  if (flags.includes("i")) others.push(`/${body}/${flags.replace("i", "")}`);
  return others.map((other) => ({ operator: "regex", text: other }));
}
