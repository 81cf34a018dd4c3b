/** CompletedRequests: ranges, and its bounds in number and size. */

import { assert, assertEquals } from "@std/assert";
import { CompletedRequests } from "../../lib/metrics/completed_requests.ts";
import type { CompletedRequest } from "../../lib/metrics/types.ts";
import { createRecord } from "../helpers/metrics.ts";

function createRequest(number: number, more: Partial<CompletedRequest> = {}): CompletedRequest {
  return { ...createRecord(), number, time: 0, events: [], ...more };
}

function fill(count: number, more: Partial<CompletedRequest> = {}): CompletedRequests {
  const requests = new CompletedRequests();
  for (let number = 1; number <= count; number++) requests.add(createRequest(number, more));
  return requests;
}

const numbers = (requests: CompletedRequest[]) => requests.map(({ number }) => number);

Deno.test("CompletedRequests lists the newest requests of a range, oldest first", () => {
  const requests = fill(10);
  assertEquals(numbers(requests.list({ limit: 3 })), [8, 9, 10]);
  assertEquals(numbers(requests.list({ after: 7, limit: 100 })), [8, 9, 10]);
  assertEquals(numbers(requests.list({ after: 2, limit: 2 })), [9, 10]);
  assertEquals(numbers(requests.list({ before: 4, limit: 2 })), [2, 3]);
  assertEquals(numbers(requests.list({ after: 3, before: 6, limit: 9 })), [4, 5]);
  for (const range of [{ after: 10 }, { after: 99 }, { before: 1 }, { before: 0 }]) {
    assertEquals(requests.list({ ...range, limit: 5 }), []);
  }
  assertEquals(new CompletedRequests().list({ limit: 5 }), []);
});

Deno.test("CompletedRequests keeps 10,000 ordinary requests", () => {
  const requests = fill(10_005);
  const all = numbers(requests.list({ limit: 20_000 }));
  assertEquals([all.length, all[0], all.at(-1)], [10_000, 6, 10_005]);
  assertEquals(numbers(requests.list({ before: 8, limit: 9 })), [6, 7]);
});

Deno.test("CompletedRequests keeps fewer than 10,000 long requests", () => {
  const error = "e".repeat(20_000);
  const all = fill(1500, { error }).list({ limit: 20_000 });
  assert(all.length > 700 && all.length < 850, `${all.length} requests of 20 KB`);
  assertEquals(all.at(-1)?.number, 1500);
});
