/**
 * Generates random tool calls as deltas, in the styles of different providers.
 * @module
 */

import type { Random } from "./random.ts";

type Json = Record<string, unknown>;

/** A call that the client must receive. */
export interface CallPlan {
  name: string;
  /** The input as JSON; "" for no arguments. */
  arguments: string;
  /** Upstream's id. */
  id: string;
}

/** A tool-call delta, with the call that begins with it. */
export interface PlannedDelta {
  delta: Json;
  begins?: CallPlan;
}

/** How a provider identifies its calls. */
interface Style {
  /** The deltas of one call, in order. */
  write(call: CallPlan, position: number, random: Random): Json[];
  /** Whether the deltas of several calls may be interleaved. */
  interleaves: boolean;
  /** Whether a call without arguments differs from one whose arguments follow. */
  takesEmpty: boolean;
}

const TYPE = { type: "function" };

/** A head with id and name, then tails that identify their call by `keys`. */
function headAndTails(keys: (call: CallPlan, position: number) => { head: Json; tail: Json }) {
  return (call: CallPlan, position: number, random: Random): Json[] => {
    const { head, tail } = keys(call, position);
    const [first = "", ...rest] = random.chance(0.5)
      ? ["", ...cut(call, random)]
      : cut(call, random);
    const name = typeof tail["name"] === "string" ? { name: tail["name"] } : {};
    const { name: _name, ...identity } = tail;
    return [
      { ...head, ...TYPE, function: { name: call.name, arguments: first } },
      ...rest.map((text) => ({ ...identity, function: { ...name, arguments: text } })),
    ];
  };
}

/** The complete call in one delta. */
function complete(
  keys: (position: number) => Json,
  toArguments = (text: string): unknown => text,
) {
  return (call: CallPlan, position: number): Json[] => [
    {
      ...keys(position),
      ...TYPE,
      function: { name: call.name, arguments: toArguments(call.arguments) },
    },
  ];
}

function cut(call: CallPlan, random: Random): string[] {
  return call.arguments === "" ? [] : random.cut(call.arguments);
}

const STYLES: Readonly<Record<string, Style>> = {
  "index, id in the head": {
    write: headAndTails(({ id }, index) => ({ head: { index, id }, tail: { index } })),
    interleaves: true,
    takesEmpty: true,
  },
  "index from 1, with gaps": {
    write: headAndTails(({ id }, position) => ({
      head: { index: 1 + 2 * position, id },
      tail: { index: 1 + 2 * position },
    })),
    interleaves: true,
    takesEmpty: true,
  },
  "index, id and name on every delta": {
    write: headAndTails(({ id, name }, index) => ({
      head: { index, id },
      tail: { index, id, name },
    })),
    interleaves: true,
    takesEmpty: true,
  },
  'index, "" for id and name on tails': {
    write: headAndTails(({ id }, index) => ({
      head: { index, id },
      tail: { index, id: "", name: "" },
    })),
    interleaves: true,
    takesEmpty: true,
  },
  "no index, id on every delta": {
    write: headAndTails(({ id }) => ({ head: { id }, tail: { id } })),
    interleaves: true,
    takesEmpty: true,
  },
  "no index, bare tails": {
    write: headAndTails(({ id }) => ({ head: { id }, tail: {} })),
    interleaves: false,
    takesEmpty: true,
  },
  "index null, id null on tails": {
    write: headAndTails(({ id }) => ({
      head: { id, index: null },
      tail: { id: null, index: null },
    })),
    interleaves: false,
    takesEmpty: true,
  },
  "index always 0, new ids": {
    write: headAndTails(({ id }) => ({ head: { index: 0, id }, tail: { index: 0 } })),
    interleaves: false,
    takesEmpty: true,
  },
  "one id for all, indexes": {
    write: headAndTails((_, index) => ({ head: { index, id: "call_0" }, tail: { index } })),
    interleaves: true,
    takesEmpty: true,
  },
  "indexes, no ids": {
    write: headAndTails((_, index) => ({ head: { index }, tail: { index } })),
    interleaves: true,
    takesEmpty: true,
  },
  "neither index nor id": {
    write: headAndTails(() => ({ head: {}, tail: {} })),
    interleaves: false,
    takesEmpty: false,
  },
  'index 0 and id "" for all, complete': {
    write: complete(() => ({ index: 0, id: "" })),
    interleaves: false,
    takesEmpty: false,
  },
  "id late": {
    write: ({ id, name, arguments: text }, index) => [
      { index, function: { name, arguments: text.slice(0, 1) } },
      { index, id, function: { arguments: text.slice(1) } },
    ],
    interleaves: true,
    takesEmpty: true,
  },
  "name late": {
    write: ({ id, name, arguments: text }, index) => [
      { index, id, function: { arguments: text.slice(0, 1) } },
      { index, function: { name, arguments: text.slice(1) } },
    ],
    interleaves: true,
    takesEmpty: false,
  },
  "arguments as an object": {
    write: (call, index) =>
      complete(() => ({ index, id: call.id }), (text) => JSON.parse(text))(call, index),
    interleaves: false,
    takesEmpty: false,
  },
};

/** Some calls of one style, and their deltas in an order that the style allows. */
export function planCalls(random: Random): { calls: CallPlan[]; deltas: PlannedDelta[] } {
  const style = STYLES[random.pick(Object.keys(STYLES))];
  if (style === undefined) throw new RangeError("No style");
  const { interleaves, takesEmpty } = style;
  const calls = Array.from({ length: random.pick([1, 1, 2, 3, 5]) }, (_, n): CallPlan => ({
    // Different names: the same name with the same arguments is a repeated delta, not a second call.
    name: `tool_${n}${random.pick(["", "_long-name", "X"])}`,
    arguments: takesEmpty && random.chance(0.1) ? "" : JSON.stringify(random.object()),
    id: random.pick([`call_${n}`, `toolu_${random.int(0, 1e6)}_${n}`, `functions.Bash:${n}`]),
  }));
  const queues = calls.map((call, position) =>
    toPlanned(call, style.write(call, position, random))
  );
  for (const queue of queues) addEmptyDelta(random, queue);
  const deltas: PlannedDelta[] = [];
  while (queues.some((queue) => queue.length > 0)) {
    const open = queues.filter((queue) => queue.length > 0);
    // Calls begin in order; those that have begun may be interleaved.
    const begun = open.filter((queue) => queue[0]?.begins === undefined);
    const next = open.find((queue) => queue[0]?.begins !== undefined);
    const mayBegin = interleaves || begun.length === 0;
    const queue = next !== undefined && mayBegin && (begun.length === 0 || random.chance(0.5))
      ? next
      : random.pick(begun);
    const first = queue.shift();
    if (first !== undefined) deltas.push(first);
  }
  return { calls, deltas };
}

function toPlanned(call: CallPlan, deltas: Json[]): PlannedDelta[] {
  return deltas.map((delta, n) => n === 0 ? { delta, begins: call } : { delta });
}

/** Some providers send an empty last delta. */
function addEmptyDelta(random: Random, queue: PlannedDelta[]): void {
  const last = queue.at(-1)?.delta;
  if (last === undefined || !random.chance(0.1)) return;
  const { function: _function, ...identity } = last;
  queue.push({ delta: { ...identity, function: { arguments: "" } } });
}
