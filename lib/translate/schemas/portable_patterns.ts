/**
 * Which regular expressions every validator compiles, and to the same meaning: the common part of ECMAScript
 * without flags, RE2 and Python's `re`. Pure; reads each character once and never runs a pattern.
 * OpenAI checks `pattern` with Python ("… is not a 'regex'") and refuses lookaround on top, Groq and Gemini use
 * RE2, zod writes ECMAScript.
 * @module
 */

/** RE2 repeats nothing more often than this. */
const MAX_REPEAT = 1000;
/** Deeper groups than people write; Python's parser recurses. */
const MAX_GROUPS = 50;
/** Escapes of one letter or digit that mean the same everywhere; a class may hold all but the word boundaries. */
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
  /** Whether there is something for a quantifier to repeat. */
  #isRepeatable = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(): boolean {
    // Half a character cannot be sent as UTF-8.
    if (!this.#text.isWellFormed()) return false;
    while (this.#at < this.#text.length) {
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

  /** Of the groups with a question mark only `(?:` means the same everywhere. */
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

  /** A quantifier in braces; braces around anything else are literal, but for `{,n}`, which Python repeats. */
  #readBraces(): boolean {
    const least = this.#readDigits();
    let most = least;
    if (this.#peek() === ",") {
      this.#at++;
      most = this.#readDigits();
      if (this.#peek() === "}" && least === "") return false;
    }
    if (least === "" || this.#peek() !== "}") {
      this.#isRepeatable = true;
      return true;
    }
    this.#at++;
    const [from, to] = [Number(least), most === "" ? 0 : Number(most)];
    if (Math.max(from, to) > MAX_REPEAT || (most !== "" && to < from)) return false;
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

  /** An escape that a class may hold too. Back-references, `\p`, `\u`, `\c` and `\A` are among those that differ. */
  #isPlainEscape(char: string): boolean {
    if (char === "x") return isHex(this.#take()) && isHex(this.#take());
    if (char === "0") return !isDigit(this.#peek());
    if (CLASS_LETTERS.includes(char) || CONTROL_LETTERS.includes(char)) return true;
    return char !== "" && char < "\x7f" && !/[0-9A-Za-z]/.test(char);
  }

  /** Behind the opening bracket. An empty class, and one that begins with a bracket, differ between dialects. */
  #readClass(): boolean {
    if (this.#peek() === "^") this.#at++;
    if (this.#peek() === "]") return false;
    while (this.#at < this.#text.length) {
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
    if (this.#peek() !== "-" || this.#peek(1) === "]" || this.#peek(1) === "") return true;
    this.#at++;
    const to = this.#readMemberChar();
    // A set as the end of a range is literal in ECMAScript and an error in Python.
    return to !== null && from !== "" && to !== "" && from <= to;
  }

  /** The character at hand; "" for a set such as `\w`, null for what not every dialect has. */
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

/** What an escape in a class stands for, to order the ends of a range. */
function decodeEscape(escape: string): string {
  if (escape.startsWith("x")) return String.fromCharCode(parseInt(escape.slice(1), 16));
  const control = CONTROL_LETTERS.indexOf(escape);
  return control < 0 ? escape : "\t\n\r\f\v\0".charAt(control);
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9" && char.length === 1;
}

function isHex(char: string): boolean {
  return /^[0-9A-Fa-f]$/.test(char);
}
