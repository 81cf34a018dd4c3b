/** Each construct of regular expressions, and whether ECMAScript, RE2 and Python agree on it. @module */

import { assert, assertThrows } from "@std/assert";
import { isPortablePattern } from "../../../lib/translate/schemas/portable_patterns.ts";

const EMAIL =
  "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$";
const GROUPS_OF_50 = "(".repeat(50) + ")".repeat(50);
const GROUPS_OF_51 = `(${GROUPS_OF_50})`;

/** Rejected by every dialect, ECMAScript too. */
const INVALID: Record<string, readonly string[]> = {
  "a group that is not closed or not open": [
    "(",
    "(a",
    "((a)",
    ")",
    "a)",
    ")(",
    "(a))(",
    "(?",
    "(?:",
  ],
  "a quantifier with nothing to repeat": [
    ...[
      "*",
      "+",
      "?",
      "*a",
      "^*",
      "$+",
      "a$*",
      "|?",
      "a|*",
      "(*)",
      "a(*)",
      "a(?:*)",
      "a(|*)",
      "(?:*)",
      "\\b+",
      "a\\B*",
    ],
    ...["{1}", "^{1}", "a|{1}", "({1})", "(?:{1,2})"],
  ],
  "a quantifier of a quantifier": [
    "a**",
    "a++",
    "a?*",
    "a*??",
    "a{1}{2}",
    "a{1}*",
    "a{1}??",
    "a+{2}",
  ],
  "a quantifier whose end is before its start": ["a{2,1}", "a{10,9}"],
  "a class that is not closed": ["[", "[^", "[a", "[a-", "[a-z", "[\\]", "a[b", "[\\"],
  "a range whose end is before its start": [
    ...["[z-a]", "[Z-\\x41]", "[\\x5a-A]", "[\\x5a-\\x41]", "[\\/-\\.]", "[a-\\t]"],
    // The control characters: \0, \t, \n, \v, \f, \r.
    ...["[\\t-\\0]", "[\\n-\\t]", "[\\v-\\n]", "[\\f-\\v]", "[\\r-\\f]"],
  ],
  "a backslash at the end": ["\\", "a\\"],
};

/** Rejected by one dialect at least, or with another meaning there. */
const UNPORTABLE: Record<string, readonly string[]> = {
  "lookaround": [EMAIL, "(?=a)", "(?!a)", "(?<=a)", "(?<!a)"],
  "named groups and flags": ["(?<n>a)", "(?P<n>a)", "(?i)a", "(?i:a)"],
  "back-references": ["(a)\\1", "(a)\\9", "\\k<n>"],
  "escapes with letters of one dialect": [
    ...[
      "\\p{L}",
      "\\P{L}",
      "[\\p{Cc}]",
      "[\\P]",
      "\\u00e9",
      "\\cA",
      "\\A",
      "\\z",
      "\\Z",
      "\\e",
      "\\a",
    ],
    ...["[\\b]", "[\\B]", "[a-\\p]", "[\\p-a]"],
  ],
  "escapes of characters beyond ASCII": ["\\é", "\\\x7f", "[\\é]"],
  "incomplete hexadecimal escapes": [
    "\\x",
    "\\x4",
    "\\x4g",
    "\\xg4",
    "[\\x4]",
    "\\xG1",
    "\\x:1",
    "\\x1`",
  ],
  "octal escapes": ["\\00", "\\01", "\\09", "[\\00]", "\\2"],
  "an empty class, or one that starts with a bracket": ["[]", "[^]", "[]a]", "[^]a]"],
  "a range that ends in a set": ["[\\w-.]", "[a-\\d]", "[\\d-\\w]"],
  "classes by name": ["[[:alpha:]]", "[a[:digit:]]"],
  "surrogates": ["[😀-😎]", "\ud800", "a\udc00"],
  "more than 1000 repetitions": ["a{1001}", "a{1,1001}", "a{1001,}", "a{1001,1002}"],
  "a quantifier without a start": ["a{,3}", "a{,}", "{,3}"],
  "more than 50 groups inside each other": [GROUPS_OF_51, "(?:".repeat(51) + ")".repeat(51)],
};

/** Accepted everywhere with the same meaning. */
const PORTABLE: Record<string, readonly string[]> = {
  "text": ["", "a", "a.b", "é+", "😀", "]", "}", "a-b", "a:b", ".*"],
  "anchors and alternatives": ["^$", "^a|b$", "a|b", "(|a)", "(a|)*", "|"],
  "groups": [
    "(a)",
    "(a)(b)",
    "((a)b)*",
    "(?:a|b)*?",
    "(?:a)+",
    GROUPS_OF_50,
    GROUPS_OF_50.repeat(2),
  ],
  "quantifiers": [
    "a*",
    "a+",
    "a?",
    "a*?",
    "a+?",
    "a??",
    "^a*",
    "\\d*",
    "^\\d+",
    "^[a]*",
    "^(a)?",
    "^.*",
  ],
  "quantifiers in braces": [
    ...[
      "a{1}",
      "a{0,1000}",
      "a{1000}",
      "a{2,}",
      "a{2,2}",
      "a{2,3}?",
      "a{2}b{3}",
      "^\\d{4}-\\d{2}$",
    ],
    ...["a{0}", "[a]{2}", "(a){2}", "a{9,10}"],
  ],
  "literal braces": [
    ...[
      "{",
      "x{",
      "{a}",
      "x{a}",
      "x{,a}",
      "^\\$\\{x}$",
      "{}",
      "^{}",
      "^{*",
      "a*{x}",
      "a{,1x}",
      "(a{1)",
    ],
    ...["(a{1,)", "(a{1,2)", "a{1x}", "a{1,x}", "{a{2}"],
  ],
  "sets": ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "[\\d\\D\\w\\W\\s\\S]"],
  "word boundaries": ["\\bx\\B", "\\ba*"],
  "control characters": [
    "\\t",
    "\\n",
    "\\r",
    "\\f",
    "\\v",
    "\\0",
    "\\0a",
    "\\0:",
    "\\0/",
    "[\\t\\n\\r\\f\\v\\0]",
  ],
  "hexadecimal escapes": ["\\x41", "\\xaF", "\\xfA", "\\x09", "[\\x90]"],
  "escaped punctuation": [
    "\\/x\\-",
    "\\.",
    "\\_",
    "\\~",
    "\\ ",
    "\\@",
    "\\[",
    "\\`",
    "\\{",
    "[\\]]",
    "[^\\]]",
  ],
  "classes": [
    "[a]",
    "[abc]x",
    "[^a]",
    "[^a-z]",
    "[\\w.-]+",
    "[[a]",
    "[a:]",
    "[a[]",
    "[(*|?]",
    "[(]",
    "[)]",
    "[.]+",
    "[a^]",
  ],
  "hyphens of classes": ["[a-]", "[-a]", "[\\d-]", "[a-z-9]", "[a-z-]", "[^-a]", "[-]", "[+--]"],
  "ranges": [
    ...[
      "[a-z]",
      "[a-a]",
      "[\\x00-\\x1f]",
      "[\\x10-\\x1f]",
      "[\\x41-a]",
      "[\\x41-A]",
      "[A-\\x5a]",
      "[ -\\x7e]",
      "[\\.-\\/]",
    ],
    ...[
      "[\\0-\\t]",
      "[\\t-\\n]",
      "[\\n-\\v]",
      "[\\v-\\f]",
      "[\\f-\\r]",
      "[\\t-\\r]",
      "[\\r-a]",
      "[\\x09-\\x0d]",
    ],
    ...[
      "[\\x08-\\t]",
      "[\\t-\\x09]",
      "[\\x0a-\\n]",
      "[\\n-\\x0a]",
      "[\\r-\\x0d]",
      "[\\f-\\x0c]",
      "[\\0-\\x00]",
    ],
  ],
};

for (const [kind, patterns] of Object.entries(INVALID)) {
  Deno.test(`isPortablePattern rejects ${kind}, as ECMAScript does`, () => {
    for (const pattern of patterns) {
      assertThrows(() => new RegExp(pattern), SyntaxError, undefined, pattern);
      assert(!isPortablePattern(pattern), pattern);
    }
  });
}

for (const [kind, patterns] of Object.entries(UNPORTABLE)) {
  Deno.test(`isPortablePattern rejects ${kind}`, () => {
    for (const pattern of patterns) assert(!isPortablePattern(pattern), JSON.stringify(pattern));
  });
}

for (const [kind, patterns] of Object.entries(PORTABLE)) {
  Deno.test(`isPortablePattern accepts ${kind}, which ECMAScript compiles too`, () => {
    for (const pattern of patterns) {
      new RegExp(pattern);
      assert(isPortablePattern(pattern), JSON.stringify(pattern));
    }
  });
}

Deno.test("isPortablePattern reads each letter and digit of hexadecimal escapes", () => {
  for (const digit of "0123456789abcdefABCDEF") {
    assert(isPortablePattern(`\\x${digit}0`) && isPortablePattern(`\\x0${digit}`), digit);
  }
});

Deno.test("isPortablePattern rejects escapes of letters and digits without a meaning everywhere", () => {
  const letters = [..."123456789aceghijklmopquyzACEFGHIJKLMNOPQRTUVXYZ"];
  for (const letter of letters) assert(!isPortablePattern(`\\${letter}`), letter);
});
