/** RequestStore: a gapless range of requests. */

import { assertEquals } from "@std/assert";
import { RequestStore } from "../../lib/dashboard/request_store.ts";
import { createCompleted } from "./samples.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => createCompleted(from + index));

const numbers = ({ requests }: RequestStore) => [requests[0]?.number, requests.at(-1)?.number];

Deno.test("RequestStore loads older requests until the first one", () => {
  const store = new RequestStore();
  assertEquals([store.newest, store.missingBefore], [0, null]);
  store.append(range(51, 60));
  assertEquals([store.newest, store.missingBefore], [60, 51]);
  store.prepend(range(21, 50));
  store.prepend(range(1, 20));
  assertEquals([numbers(store), store.missingBefore, store.requests.length], [[1, 60], null, 60]);
});

Deno.test("RequestStore ignores older requests that leave a gap, and new ones that it has", () => {
  const store = new RequestStore();
  store.append(range(51, 60));
  store.prepend(range(20, 49));
  store.prepend([]);
  store.append(range(58, 61));
  assertEquals([numbers(store), store.requests.length], [[51, 61], 11]);
});

Deno.test("RequestStore starts again after a gap", () => {
  const store = new RequestStore();
  store.append(range(1, 10));
  store.append(range(12, 20));
  assertEquals([numbers(store), store.missingBefore], [[12, 20], 12]);
});

Deno.test("RequestStore keeps 10,000 requests, and asks for no more", () => {
  const store = new RequestStore();
  store.append(range(5001, 20_000));
  assertEquals([numbers(store), store.missingBefore], [[10_001, 20_000], null]);
  store.append(range(20_001, 20_010));
  assertEquals(numbers(store), [10_011, 20_010]);
  assertEquals(store.find("req_20005")?.number, 20_005);
  assertEquals(store.find("req_1"), undefined);
});
