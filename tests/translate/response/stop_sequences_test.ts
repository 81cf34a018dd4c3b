/** Tests the end of the text: lib/translate/response/stop_sequences.ts. @module */

import { assert, assertEquals } from "@std/assert";
import { StopSequences, TokenLimit } from "../../../lib/translate/response/stop_sequences.ts";

/** All visible text, and the matched sequence. */
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

/** Text, sequences → visible text, matched sequence. */
const CASES: readonly (readonly [string, readonly string[], string, string | null])[] = [
  ["<block>no</block> And more.", ["</block>"], "<block>no", "</block>"],
  ["nothing to find", ["</block>"], "nothing to find", null],
  ["ends in a prefix </blo", ["</block>"], "ends in a prefix </blo", null],
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

for (const [text, sequences, visible, matchedStop] of CASES) {
  Deno.test(`StopSequences finds ${JSON.stringify(sequences)} in ${JSON.stringify(text)}, cut anywhere`, () => {
    const expected = matchedStop === null
      ? { text: visible }
      : { text: visible, end: { matchedStop } };
    assertEquals(read(sequences, [text]), expected);
    assertEquals(read(sequences, text.split("")), expected);
    for (let at = 0; at <= text.length; at++) {
      assertEquals(read(sequences, [text.slice(0, at), text.slice(at)]), expected);
    }
  });
}

Deno.test("StopSequences does not buffer text that cannot be the beginning of a sequence", () => {
  const stops = new StopSequences(["</block>"]);
  assertEquals(stops.push("Hello <"), { text: "Hello " });
  assertEquals(stops.push("/b"), { text: "" });
  assertEquals(stops.push("old>"), { text: "</bold>" });
});

Deno.test("StopSequences keeps nothing of a sequence that it found", () => {
  const stops = new StopSequences(["END"]);
  assertEquals(stops.push("a EN"), { text: "a " });
  assertEquals(stops.push("D b"), { text: "", end: { matchedStop: "END" } });
  assertEquals(stops.flush(), "");
});

Deno.test("StopSequences does not match a sequence across the end of a block", () => {
  const stops = new StopSequences(["</block>"]);
  stops.push("</blo");
  assertEquals(stops.flush(), "</blo");
  assertEquals(stops.push("ck>"), { text: "ck>" });
});

Deno.test("StopSequences takes linear time for text that repeats the beginning of a sequence", () => {
  // About 30 ms; a naive search takes a billion steps.
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
  assertEquals(new TokenLimit(2).push("😀abcdefgh"), { text: "😀abcdef", end: "length" });
  assertEquals(new TokenLimit(1).push("ab😀c"), { text: "ab😀", end: "length" });
});

/** All strings of this length over `a` and `b`. */
function listWords(length: number): string[] {
  return Array.from(
    { length: 2 ** length },
    (_, bits) => bits.toString(2).padStart(length, "0").replaceAll("0", "a").replaceAll("1", "b"),
  );
}

Deno.test("StopSequences finds self-repeating sequences where indexOf does", () => {
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

/** Reference implementation: the first end of any sequence, and the longest one that ends there. */
function findSlowly(
  text: string,
  sequences: readonly string[],
): { text: string; matched?: string } {
  for (let end = 1; end <= text.length; end++) {
    const [matched] = sequences.filter((one) => one !== "" && text.slice(0, end).endsWith(one))
      .sort((a, b) => b.length - a.length);
    if (matched !== undefined) return { text: text.slice(0, end - matched.length), matched };
  }
  return { text };
}

Deno.test("StopSequences finds the same as the reference implementation, however the text is cut", () => {
  // Two letters, so that sequences often overlap. The pseudo-random series is the same in each run.
  let state = 1;
  const random = (most: number) => (state = state * 48271 % 2147483647) % most;
  const word = (most: number) =>
    Array.from({ length: random(most + 1) }, () => "ab"[random(2)]).join("");
  for (let n = 0; n < 20_000; n++) {
    const sequences = Array.from({ length: random(4) + 1 }, () => word(6));
    const text = word(14);
    const stops = new StopSequences(sequences);
    let [shown, matched]: [string, string | undefined] = ["", undefined];
    for (let at = 0; at < text.length && matched === undefined;) {
      const piece = text.slice(at, at += random(4) + 1);
      const { text: visible, end } = stops.push(piece);
      shown += visible;
      if (end !== undefined && end !== "length") matched = end.matchedStop;
    }
    if (matched === undefined) shown += stops.flush();
    const expected = findSlowly(text, sequences);
    assertEquals(
      [shown, matched],
      [expected.text, expected.matched],
      JSON.stringify([text, sequences]),
    );
  }
});
