/**
 * Aligns the fields of the client's side and of upstream's side: what is the same, renamed, changed, added, dropped.
 * Pure.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";

/** What happened to a field. `handled`: the proxy does itself what it asks for. */
export type Mark = "same" | "changed" | "renamed" | "added" | "dropped" | "handled";

/** A field on one side. */
export interface SideField {
  name: string;
  value: unknown;
}

/** One line of the comparison. */
export interface AlignedField {
  mark: Mark;
  client: SideField | null;
  upstream: SideField[];
  /** What docs/translation.md says about it; "" if it has no row. */
  note: string;
}

/** A row of docs/translation.md: the name it is about or reported as, and what happens. */
export type TranslationRow = readonly [name: string, text: string];

/** Field of the client → fields of upstream that carry it, if they are sent. */
type Renames = Readonly<Record<string, readonly string[]>>;

/** In requests. */
const REQUEST_RENAMES: Renames = {
  cache_control: ["cache_control"],
  context_management: ["context_management"],
  fallbacks: ["models"],
  metadata: ["user", "session_id"],
  model: ["models"],
  output_config: ["verbosity", "response_format", "reasoning"],
  output_format: ["response_format"],
  service_tier: ["service_tier"],
  speed: ["service_tier"],
  stop_sequences: ["stop"],
  stream: ["stream_options"],
  thinking: ["reasoning"],
  tool_choice: ["parallel_tool_calls"],
};

/** In responses; upstream's as {@linkcode flattenCompletion} returns them. */
const RESPONSE_RENAMES: Renames = {
  content: ["message"],
  stop_reason: ["finish_reason"],
  type: ["object"],
};

/** Lifts the fields of a completion's only choice to the top, where a message has them. */
export function flattenCompletion(completion: JsonObject): JsonObject {
  const { choices, ...rest } = completion;
  const [choice] = Array.isArray(choices) ? choices : [];
  return typeof choice === "object" && choice !== null ? { ...rest, ...choice } : completion;
}

/** The two sides of a request or a response. */
export interface Sides {
  direction: "request" | "response";
  client: JsonObject;
  upstream: JsonObject;
  /** Names in `x-proxy-dropped`. */
  dropped: readonly string[];
}

/** Aligns the fields, in the client's order; upstream's own fields come last. */
export function alignSides(sides: Sides, rows: readonly TranslationRow[]): AlignedField[] {
  const { client, upstream, direction } = sides;
  const renames = direction === "request" ? REQUEST_RENAMES : RESPONSE_RENAMES;
  const left = new Set(Object.keys(upstream));
  // Fields of the same name belong together, whatever else carries them.
  for (const name of Object.keys(client)) left.delete(name);
  const aligned = Object.entries(client).map(([name, value]): AlignedField => {
    // Several fields may become parts of one.
    const others = (renames[name] ?? []).filter((one) => !Object.hasOwn(client, one));
    const names = [name, ...others].filter((one) => Object.hasOwn(upstream, one));
    for (const one of names) left.delete(one);
    const fields = names.map((one) => ({ name: one, value: upstream[one] }));
    if (direction === "request" && name === "system") fields.push(...findSystem(upstream));
    const mark = findMark({ name, value, fields, sides });
    const note = mark === "same" || mark === "changed" ? "" : findNote(name, rows, value);
    return { mark, client: { name, value }, upstream: fields, note };
  });
  const added = [...left].map((name): AlignedField => ({
    mark: direction === "request" ? "added" : "dropped",
    client: null,
    upstream: [{ name, value: upstream[name] }],
    note: "",
  }));
  return [...aligned, ...added];
}

/** Upstream, the system prompt is the first message. */
function findSystem({ messages }: JsonObject): SideField[] {
  const [first] = Array.isArray(messages) ? messages : [];
  return isJsonObject(first) && first["role"] === "system"
    ? [{ name: "messages[0]", value: first }]
    : [];
}

function findMark(
  { name, value, fields: [first], sides }: {
    name: string;
    value: unknown;
    fields: SideField[];
    sides: Sides;
  },
): Mark {
  if (first === undefined) {
    if (sides.direction === "response") return "added";
    return sides.dropped.some((one) => isPartOf(one, name)) ? "dropped" : "handled";
  }
  if (first.name !== name) return "renamed";
  return JSON.stringify(value) === JSON.stringify(first.value) ? "same" : "changed";
}

function isPartOf(reported: string, name: string): boolean {
  return reported === name || reported.startsWith(`${name}.`);
}

/** The types of the entries of lists: `edits: [{ type: "x" }]` has `x`. */
function listTypes(value: JsonObject): string[] {
  return Object.values(value).flatMap((list) => Array.isArray(list) ? list : [])
    .map((entry) => isJsonObject(entry) ? `${entry["type"]}` : "");
}

/**
 * Finds what docs/translation.md says about a field or a reported name; "" if it has no row.
 * @param value of the field: the row of its `type` or of its first key that has one is taken
 */
export function findNote(
  name: string,
  rows: readonly TranslationRow[],
  value?: unknown,
): string {
  const keys = isJsonObject(value) ? [...Object.keys(value), ...listTypes(value)] : [];
  const type = isJsonObject(value) ? value["type"] : value;
  const names = [name, `${name}: ${type}`, `${name}.type: ${type}`];
  const wanted = [...names, ...keys.map((key) => `${name}.${key}`)];
  const found = rows.find(([row]) => wanted.includes(row));
  return found?.[1] ?? "";
}
