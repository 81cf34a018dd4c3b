/**
 * Lists the sites in a syntax tree where mutants can be made. Skips types, imports, `console`, and branches that the
 * type checker proves to be unreachable (`satisfies never`).
 * @module
 */

import type { Edit, Site } from "./mutation.ts";
import { mutateExpression } from "./expressions.ts";
import { mutateLiteral } from "./literals.ts";
import { isDroppable, listEarlyReturns } from "./statements.ts";
import { ts } from "./typescript.ts";

/** All sites of a source text, outer before inner ones. */
export function listSites(text: string, fileName = "source.ts"): Site[] {
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  const sites: Site[] = [];

  function add(kind: Site["kind"], node: ts.Node, edits: Edit[]): void {
    if (edits.length === 0) return;
    const range = { start: node.getStart(source), end: node.getEnd() };
    sites.push({ kind, ...range, isStatic: isEvaluatedOnLoad(node), edits });
  }

  function visit(node: ts.Node): void {
    if (isSkipped(node)) return;
    if (ts.isStatement(node) && isDroppable(node)) {
      add("statement", node, [{ operator: "drop-statement", text: "" }]);
    }
    if (ts.isFunctionLike(node)) addEntry(node);
    if (ts.isExpression(node) && canBeWrapped(node)) {
      add("expression", node, [...mutateExpression(node), ...mutateLiteral(node)]);
    }
    // The left side of an assignment is not a value.
    if (ts.isBinaryExpression(node) && isAssignment(node)) return visit(node.right);
    ts.forEachChild(node, visit);
  }

  function addEntry(node: ts.SignatureDeclaration): void {
    const body = "body" in node ? node.body : undefined;
    if (body === undefined || !ts.isBlock(body)) return;
    const edits = listEarlyReturns(node, body);
    if (edits.length === 0) return;
    const start = body.getStart(source) + 1;
    sites.push({ kind: "entry", start, end: start, isStatic: false, edits });
  }

  visit(source);
  return sites;
}

/** The positions after the opening brace of each function body. */
export function listFunctionStarts(text: string): number[] {
  const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true);
  const starts: number[] = [];
  const visit = (node: ts.Node): void => {
    const body = ts.isFunctionLike(node) && "body" in node ? node.body : undefined;
    if (body !== undefined && ts.isBlock(body)) starts.push(body.getStart(source) + 1);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return starts;
}

/** A constant of a module, with the ranges of its keyword and value. */
export interface Constant {
  name: string;
  keyword: { start: number; end: number };
  value: { start: number; end: number };
}

/** The constants of a module that are computed when it is loaded, without functions. */
export function listConstants(text: string): Constant[] {
  const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true);
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const { declarationList: list } = statement;
    const [first] = list.declarations;
    if (first?.initializer === undefined || !ts.isIdentifier(first.name)) return [];
    const { name, initializer: value } = first;
    if (list.declarations.length > 1) return [];
    if (!(list.flags & ts.NodeFlags.Const) || ts.isFunctionLike(value)) return [];
    const start = list.getStart(source);
    return [{
      name: name.text,
      keyword: { start, end: start + "const".length },
      value: { start: value.getStart(source), end: value.getEnd() },
    }];
  });
}

function isSkipped(node: ts.Node): boolean {
  return ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ||
    isConsoleCall(node) || isNeverBranch(node);
}

function isConsoleCall(node: ts.Node): boolean {
  if (ts.isExpressionStatement(node)) return isConsoleCall(node.expression);
  return ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) &&
    ts.isIdentifier(node.expression.expression) && node.expression.expression.text === "console";
}

/** Whether a statement or clause contains `satisfies never`, and is therefore unreachable. */
function isNeverBranch(node: ts.Node): boolean {
  if (ts.isDefaultClause(node) || ts.isCaseClause(node)) return node.statements.some(hasNever);
  return ts.isReturnStatement(node) || ts.isExpressionStatement(node) || ts.isThrowStatement(node)
    ? hasNever(node)
    : false;
}

function hasNever(node: ts.Node): boolean {
  if (ts.isSatisfiesExpression(node)) return node.type.kind === ts.SyntaxKind.NeverKeyword;
  return ts.isFunctionLike(node) ? false : ts.forEachChild(node, hasNever) ?? false;
}

/** Whether the node can be put in parentheses. Inside `a?.b.c` they would end the short circuit. */
function canBeWrapped(node: ts.Expression): boolean {
  const { parent } = node;
  const isName = "name" in parent && parent.name === node;
  const isKey = ts.isPropertyAssignment(parent) && parent.name === node;
  const isTag = ts.isTaggedTemplateExpression(parent);
  const isChained = (node.flags & ts.NodeFlags.OptionalChain) !== 0 &&
    "expression" in parent && parent.expression === node &&
    (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent) ||
      ts.isCallExpression(parent));
  return !isName && !isKey && !isTag && !isChained;
}

function isAssignment({ operatorToken: { kind } }: ts.BinaryExpression): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

/** Whether the node is outside of all functions. Fields of a class belong to its constructor. */
function isEvaluatedOnLoad(node: ts.Node): boolean {
  for (let parent: ts.Node | undefined = node.parent; parent; parent = parent.parent) {
    if (ts.isFunctionLike(parent) || ts.isClassStaticBlockDeclaration(parent)) return false;
    if (ts.isPropertyDeclaration(parent)) {
      return ts.getCombinedModifierFlags(parent) === ts.ModifierFlags.Static;
    }
  }
  return true;
}
