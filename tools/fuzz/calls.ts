/**
 * Random tool calls in fragments, in the styles in which providers send them.
 * @module
 */

import type { Random } from "./random.ts";

type Json = Record<string, unknown>;

/** A call as it must come out. */
export interface CallPlan {
  name: string;
  /** The text of the input; "" for none. */
  arguments: string;
  /** Upstream's id. */
  id: string;
}

/** A fragment, with the call that begins with it. */
export interface PlannedFragment {
  fragment: Json;
  begins?: CallPlan;
}

/** How a provider tells its calls apart. */
interface Style {
  /** The fragments of one call, in order. */
  write(call: CallPlan, place: number, random: Random): Json[];
  /** Whether calls may send their fragments in turns. */
  interleaves: boolean;
  /** Whether a call without arguments can be told from one whose arguments are to come. */
  takesEmpty: boolean;
}

const TYPE = { type: "function" };

/** A head with all facts, then tails that name their call by `keys`. */
function headAndTails(keys: (call: CallPlan, place: number) => { head: Json; tail: Json }) {
  return (call: CallPlan, place: number, random: Random): Json[] => {
    const { head, tail } = keys(call, place);
    const [first = "", ...rest] = random.chance(0.5)
      ? ["", ...cut(call, random)]
      : cut(call, random);
    const name = typeof tail["name"] === "string" ? { name: tail["name"] } : {};
    const { name: _name, ...place2 } = tail;
    return [
      { ...head, ...TYPE, function: { name: call.name, arguments: first } },
      ...rest.map((text) => ({ ...place2, function: { ...name, arguments: text } })),
    ];
  };
}

function whole(keys: (place: number) => Json, toArguments = (text: string): unknown => text) {
  return (call: CallPlan, place: number): Json[] => [
    {
      ...keys(place),
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
    write: headAndTails(({ id }, place) => ({
      head: { index: 1 + 2 * place, id },
      tail: { index: 1 + 2 * place },
    })),
    interleaves: true,
    takesEmpty: true,
  },
  "index, id and name on every fragment": {
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
  "no index, id on every fragment": {
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
  'index 0 and id "" for all, whole': {
    write: whole(() => ({ index: 0, id: "" })),
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
      whole(() => ({ index, id: call.id }), (text) => JSON.parse(text))(call, index),
    interleaves: false,
    takesEmpty: false,
  },
};

/** Some calls of one style, their fragments in an order in which that style may send them. */
export function planCalls(random: Random): { calls: CallPlan[]; fragments: PlannedFragment[] } {
  const style = STYLES[random.pick(Object.keys(STYLES))];
  if (style === undefined) throw new RangeError("No style");
  const { interleaves, takesEmpty } = style;
  const calls = Array.from({ length: random.pick([1, 1, 2, 3, 5]) }, (_, n): CallPlan => ({
    // Names of their own: the same name with the same arguments is a repetition, not a second call.
    name: `tool_${n}${random.pick(["", "_long-name", "X"])}`,
    arguments: takesEmpty && random.chance(0.1) ? "" : JSON.stringify(random.object()),
    id: random.pick([`call_${n}`, `toolu_${random.int(0, 1e6)}_${n}`, `functions.Bash:${n}`]),
  }));
  const queues = calls.map((call, place) => toFragments(call, style.write(call, place, random)));
  for (const queue of queues) addNothing(random, queue);
  const fragments: PlannedFragment[] = [];
  while (queues.some((queue) => queue.length > 0)) {
    const open = queues.filter((queue) => queue.length > 0);
    // Calls begin in their order; those that have begun may take turns.
    const begun = open.filter((queue) => queue[0]?.begins === undefined);
    const next = open.find((queue) => queue[0]?.begins !== undefined);
    const mayTurn = interleaves || begun.length === 0;
    const queue = next !== undefined && mayTurn && (begun.length === 0 || random.chance(0.5))
      ? next
      : random.pick(begun);
    const first = queue.shift();
    if (first !== undefined) fragments.push(first);
  }
  return { calls, fragments };
}

function toFragments(call: CallPlan, fragments: Json[]): PlannedFragment[] {
  return fragments.map((fragment, n) => n === 0 ? { fragment, begins: call } : { fragment });
}

/** Some providers send a last fragment with nothing in it. */
function addNothing(random: Random, queue: PlannedFragment[]): void {
  const last = queue.at(-1)?.fragment;
  if (last === undefined || !random.chance(0.1)) return;
  const { function: _function, ...place } = last;
  queue.push({ fragment: { ...place, function: { arguments: "" } } });
}
