/** The rows of the list: sessions and their requests. */

import { assertEquals } from "@std/assert";
import { groupRequests, listRows, type ListState } from "../../lib/dashboard/rows.ts";
import type { ActiveRequest } from "../../lib/metrics/types.ts";
import { createCompleted, createSession } from "./samples.ts";

const ACTIVE: ActiveRequest = {
  requestId: "req_a",
  sessionId: "one",
  elapsedMs: 10,
  outputTokens: null,
  events: [],
};

function createState(more: Partial<ListState> = {}): ListState {
  return {
    requests: [
      createCompleted(1, { sessionId: "one" }),
      createCompleted(2, { sessionId: "two" }),
      createCompleted(3),
      createCompleted(4, { sessionId: "two" }),
    ],
    active: [],
    sessions: [createSession("two", 5000), createSession("one", 2000)],
    matcher: null,
    isOpen: new Map(),
    ...more,
  };
}

const list = (state: ListState) =>
  listRows(groupRequests(state), state).map((row) =>
    row.type === "session" ? row.group.id : row.request.requestId
  );

Deno.test("the most recently active session comes first, open, with its newest request first", () => {
  assertEquals(list(createState()), ["two", "req_4", "req_2", "", "one"]);
});

Deno.test("a session with a request in flight comes first, with that request on top", () => {
  const rows = list(createState({ active: [ACTIVE] }));
  assertEquals(rows, ["one", "req_a", "req_1", "two", ""]);
});

Deno.test("sessions stay as the user opened and closed them", () => {
  const isOpen = new Map([["two", false], ["one", true]]);
  assertEquals(list(createState({ isOpen })), ["two", "", "one", "req_1"]);
});

Deno.test("a search shows only matching requests, in open sessions", () => {
  const matcher = ({ number }: { number: number }) => number <= 3 && number !== 2;
  assertEquals(list(createState({ matcher, active: [ACTIVE] })), ["", "req_3", "one", "req_1"]);
});

Deno.test("a session whose requests are no longer kept still has its figures", () => {
  const sessions = [createSession("old", 1)];
  const state = createState({ requests: [], sessions });
  assertEquals(groupRequests(state).map(({ session }) => session), sessions);
  assertEquals(list(state), ["old"]);
});
