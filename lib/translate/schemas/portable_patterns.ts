/**
 * Decides which regular expressions have the same meaning in ECMAScript without flags, RE2 and Python's `re`.
 * Reads each character once and never runs a pattern. OpenAI compiles `pattern` with Python ("… is not a 'regex'") and
 * also rejects lookaround, Groq and Gemini use RE2, zod generates ECMAScript.
 * @module
 */

/** RE2's limit for a quantifier. */
const MAX_REPEAT = 1000;
/** Deeper than hand-written groups; Python's parser is recursive. */
const MAX_GROUPS = 50;
/** One-character escapes with the same meaning everywhere; a class may contain all but the word boundaries. */
const CLASS_LETTERS = "dDwWsS";
const CONTROL_LETTERS = "tnrfv0";
const BOUNDARY_LETTERS = "bB";

/** Whether OpenAI, RE2 and ECMAScript without flags all compile the pattern. */
export function isPortablePattern(pattern: string): boolean {
  return new PatternReader(pattern).read();
}

class PatternReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** Whether a quantifier may follow. */
  #isRepeatable = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): boolean {
    // A lone surrogate cannot be sent as UTF-8.
    if (!this.#text.isWellFormed()) return false;
    while (this.#peek() !== "") {
      if (!this.#readOne()) return false;
    }
    return this.#depth === 0;
  }

  #readOne(): boolean {
    const char = this.#take();
    switch (char) {
      case "(":
        return this.#openGroup();
      case ")":
        this.#isRepeatable = true;
        return --this.#depth >= 0;
      case "[":
        this.#isRepeatable = true;
        return this.#readClass();
      case "\\":
        return this.#readEscape();
      case "*":
      case "+":
      case "?":
        return this.#repeat();
      case "{":
        return this.#readBraces();
      case "^":
      case "$":
      case "|":
        this.#isRepeatable = false;
        return true;
      default:
        this.#isRepeatable = true;
        return true;
    }
  }

  /** Of the groups that start with `(?` only `(?:` has the same meaning everywhere. */
  #openGroup(): boolean {
    this.#isRepeatable = false;
    if (++this.#depth > MAX_GROUPS) return false;
    if (this.#peek() !== "?") return true;
    this.#at++;
    return this.#take() === ":";
  }

  #repeat(): boolean {
    if (!this.#isRepeatable) return false;
    this.#isRepeatable = false;
    if (this.#peek() === "?") this.#at++;
    return true;
  }

  /** A quantifier in braces. Other braces are literal, except `{,n}`, which is a quantifier in Python. */
  #readBraces(): boolean {
    const min = this.#readDigits();
    let max = min;
    if (this.#peek() === ",") {
      this.#at++;
      max = this.#readDigits();
      if (this.#peek() === "}" && min === "") return false;
    }
    if (min === "" || this.#peek() !== "}") {
      this.#isRepeatable = true;
      return true;
    }
    this.#at++;
    const [from, to] = [Number(min), Number(max)];
    if (Math.max(from, to) > MAX_REPEAT || (max !== "" && to < from)) return false;
    return this.#repeat();
  }

  #readDigits(): string {
    const start = this.#at;
    while (isDigit(this.#peek())) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #readEscape(): boolean {
    const char = this.#take();
    this.#isRepeatable = !BOUNDARY_LETTERS.includes(char);
    return char !== "" && (BOUNDARY_LETTERS.includes(char) || this.#isPlainEscape(char));
  }

  /** An escape that a class may contain too. Back-references, `\p`, `\u`, `\c`, `\A` and others differ. */
  #isPlainEscape(char: string): boolean {
    if (char === "x") return isHex(this.#take()) && isHex(this.#take());
    if (char === "0") return !isDigit(this.#peek());
    if (CLASS_LETTERS.includes(char) || CONTROL_LETTERS.includes(char)) return true;
    return char < "\x7f" && !/[0-9A-Za-z]/.test(char);
  }

  /** After the opening bracket. An empty class, or one that starts with a bracket, differs between dialects. */
  #readClass(): boolean {
    if (this.#peek() === "^") this.#at++;
    if (this.#peek() === "]") return false;
    while (this.#peek() !== "") {
      if (this.#peek() === "]") {
        this.#at++;
        return true;
      }
      if (!this.#readMember()) return false;
    }
    return false;
  }

  /** One character, set or range of a class. */
  #readMember(): boolean {
    const from = this.#readMemberChar();
    if (from === null) return false;
    if (this.#peek() !== "-" || this.#peek(1) === "]") return true;
    this.#at++;
    const to = this.#readMemberChar();
    // A set as the end of a range is literal in ECMAScript and an error in Python.
    return to !== null && from !== "" && from <= to;
  }

  /** The current character; "" for a set such as `\w`, null if a dialect does not support it. */
  #readMemberChar(): string | null {
    const char = this.#take();
    // RE2 has classes such as [:alpha:].
    if (char === "[" && this.#peek() === ":") return null;
    if (char !== "\\") return char;
    const start = this.#at;
    const escaped = this.#take();
    if (!this.#isPlainEscape(escaped)) return null;
    if (CLASS_LETTERS.includes(escaped)) return "";
    return decodeEscape(this.#text.slice(start, this.#at));
  }

  #peek(ahead = 0): string {
    return this.#text.charAt(this.#at + ahead);
  }

  #take(): string {
    return this.#text.charAt(this.#at++);
  }
}

/** The character of an escape in a class, to compare the ends of a range. */
function decodeEscape(escape: string): string {
  if (escape.startsWith("x")) return String.fromCharCode(parseInt(escape.slice(1), 16));
  const control = CONTROL_LETTERS.indexOf(escape);
  return control < 0 ? escape : "\t\n\r\f\v\0".charAt(control);
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}

function isHex(char: string): boolean {
  return /[0-9A-Fa-f]/.test(char);
}
