// Events and calls between two threads: order, batches, errors, the end of the other side.

import { assertEquals, assertRejects } from "@std/assert";
import { Channel, RemoteError } from "../../../lib/cli/workers/channel.ts";

interface Left {
  events: string;
  calls: { double(value: number): number };
}

interface Right {
  events: never;
  calls: { list(): string[]; fail(): void };
}

/** Two ends of a channel; the right one keeps the events of the left one. */
function connect() {
  const { port1, port2 } = new MessageChannel();
  const events: string[] = [];
  let messages = 0;
  port2.addEventListener("message", () => messages++);
  const left = new Channel<Left, Right>(port1, {
    onEvent: () => {},
    calls: { double: (value) => value * 2 },
  });
  const right = new Channel<Right, Left>(port2, {
    onEvent: (event) => events.push(event),
    calls: {
      list: () => [...events],
      fail() {
        throw new RangeError("out of range");
      },
    },
  });
  return {
    ...{ left, right },
    countMessages: () => messages,
    [Symbol.dispose]() {
      left.close();
      right.close();
    },
  };
}

Deno.test("a call arrives after all events that were sent before it, in one message", async () => {
  using pair = connect();
  for (const event of ["a", "b", "c"]) pair.left.send(event);
  assertEquals(await pair.left.call("list"), ["a", "b", "c"]);
  assertEquals(pair.countMessages(), 1);
});

Deno.test("events are sent without a call within a few milliseconds", async () => {
  using pair = connect();
  pair.left.send("a");
  while (pair.countMessages() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(await pair.left.call("list"), ["a"]);
});

Deno.test("both sides can call the other, and an error comes back with its name", async () => {
  using pair = connect();
  assertEquals(await pair.right.call("double", 21), 42);
  const error = await assertRejects(() => pair.left.call("fail"), RemoteError, "out of range");
  assertEquals(error.originalName, "RangeError");
});

Deno.test("a call that has no answer is rejected when the channel is closed", async () => {
  using pair = connect();
  const pending = pair.right.call("double", 1);
  pair.right.close();
  await assertRejects(() => pending, RemoteError, "has ended");
});
