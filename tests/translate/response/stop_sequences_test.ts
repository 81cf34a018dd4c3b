/** Where an answer ends for the client: lib/translate/response/stop_sequences.ts. @module */

import { assert, assertEquals } from "@std/assert";
import { StopSequences, TokenLimit } from "../../../lib/translate/response/stop_sequences.ts";

/** All text that comes out, and the sequence that was met. */
function read(sequences: readonly string[], pieces: readonly string[]) {
  const stops = new StopSequences(sequences);
  let text = "";
  for (const piece of pieces) {
    const visible = stops.push(piece);
    text += visible.text;
    if (visible.end !== undefined) return { text, end: visible.end };
  }
  return { text: text + stops.flush() };
}

/** text, sequences → what is left of it, and which was met. */
const CASES: readonly (readonly [string, readonly string[], string, string | null])[] = [
  ["<block>no</block> And more.", ["</block>"], "<block>no", "</block>"],
  ["nothing to find", ["</block>"], "nothing to find", null],
  ["ends in a beginning </blo", ["</block>"], "ends in a beginning </blo", null],
  ["</block>", ["</block>"], "", "</block>"],
  ["aaab", ["aab"], "a", "aab"],
  ["ababac!", ["abac"], "ab", "abac"],
  ["one STOP two END", ["END", "STOP"], "one ", "STOP"],
  ["xabc", ["bc", "abc"], "x", "abc"],
  ["xabcd", ["abcd", "bc"], "xa", "bc"],
  ["naïve 道具 end", ["道具"], "naïve ", "道具"],
  ["a😀b", ["😀"], "a", "😀"],
  ["anything", [""], "anything", null],
  ["anything", [], "anything", null],
];

for (const [text, sequences, expected, met] of CASES) {
  Deno.test(`${JSON.stringify(text)} up to ${JSON.stringify(sequences)}, cut at any place`, () => {
    const answer = met === null
      ? { text: expected }
      : { text: expected, end: { matchedStop: met } };
    assertEquals(read(sequences, [text]), answer);
    assertEquals(read(sequences, text.split("")), answer);
    for (let at = 0; at <= text.length; at++) {
      assertEquals(read(sequences, [text.slice(0, at), text.slice(at)]), answer);
    }
  });
}

Deno.test("StopSequences sends at once what cannot be the beginning of a sequence", () => {
  const stops = new StopSequences(["</block>"]);
  assertEquals(stops.push("Hello <"), { text: "Hello " });
  assertEquals(stops.push("/b"), { text: "" });
  assertEquals(stops.push("old>"), { text: "</bold>" });
});

Deno.test("a sequence does not reach over the end of a block", () => {
  const stops = new StopSequences(["</block>"]);
  stops.push("</blo");
  assertEquals(stops.flush(), "</blo");
  assertEquals(stops.push("ck>"), { text: "ck>" });
});

Deno.test("StopSequences looks at each character once for each sequence", () => {
  // Some 30 ms; searched anew from each place it takes a billion steps.
  const text = "a".repeat(20_000);
  const begin = performance.now();
  const stops = new StopSequences([`${text}b`]);
  for (let n = 0; n < 200; n++) stops.push("a".repeat(1000));
  assert(performance.now() - begin < 2000);
});

Deno.test("TokenLimit cuts the text at four characters a token, not inside a character", () => {
  const limit = new TokenLimit(2);
  assertEquals(limit.push("12345"), { text: "12345" });
  assertEquals(limit.push("678"), { text: "678" });
  assertEquals(limit.push(""), { text: "" });
  assertEquals(limit.push("9"), { text: "", end: "length" });
  assertEquals(new TokenLimit(1).push("abc😀"), { text: "abc", end: "length" });
});

/** All words of this length over `a` and `b`. */
function listWords(length: number): string[] {
  return Array.from(
    { length: 2 ** length },
    (_, bits) => bits.toString(2).padStart(length, "0").replaceAll("0", "a").replaceAll("1", "b"),
  );
}

Deno.test("StopSequences finds every sequence that repeats itself where a plain search does", () => {
  const texts = listWords(8);
  for (const sequence of [2, 3, 4, 5].flatMap(listWords)) {
    for (const text of texts) {
      const at = text.indexOf(sequence);
      const expected = at === -1
        ? { text }
        : { text: text.slice(0, at), end: { matchedStop: sequence } };
      assertEquals(read([sequence], [text]), expected);
    }
  }
});

/** What is right, found the slow way: the first end of any sequence, and of those that end there the longest. */
function findSlowly(text: string, sequences: readonly string[]): { text: string; met?: string } {
  for (let end = 1; end <= text.length; end++) {
    const [met] = sequences.filter((one) => one !== "" && text.slice(0, end).endsWith(one))
      .sort((a, b) => b.length - a.length);
    if (met !== undefined) return { text: text.slice(0, end - met.length), met };
  }
  return { text };
}

Deno.test("stop sequences are found as a slow search finds them, whatever the pieces are", () => {
  // Two letters, so that sequences begin inside one another all the time. A fixed series: the same in each run.
  let state = 1;
  const random = (most: number) => (state = state * 48271 % 2147483647) % most;
  const word = (most: number) =>
    Array.from({ length: random(most + 1) }, () => "ab"[random(2)]).join("");
  for (let n = 0; n < 20_000; n++) {
    const sequences = Array.from({ length: random(4) + 1 }, () => word(6));
    const text = word(14);
    const stops = new StopSequences(sequences);
    let [shown, met]: [string, string | undefined] = ["", undefined];
    for (let at = 0; at < text.length && met === undefined;) {
      const piece = text.slice(at, at += random(4) + 1);
      const { text: certain, end } = stops.push(piece);
      shown += certain;
      if (end !== undefined && end !== "length") met = end.matchedStop;
    }
    if (met === undefined) shown += stops.flush();
    const right = findSlowly(text, sequences);
    assertEquals([shown, met], [right.text, right.met], JSON.stringify([text, sequences]));
  }
});
