/**
 * Renders the screen of a terminal as HTML. Knows the escape sequences that tmux prints: colors, bold, dim, italic,
 * underline and reverse. Pure.
 * @module
 */

/** The style of a cell; null for the default color. */
interface Style {
  color: string | null;
  background: string | null;
  isBold: boolean;
  isDim: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isReversed: boolean;
}

const PLAIN: Style = {
  color: null,
  background: null,
  isBold: false,
  isDim: false,
  isItalic: false,
  isUnderlined: false,
  isReversed: false,
};
const FOREGROUND = "#e6e6e6";
const BACKGROUND = "#16181d";
/** The sixteen colors with a number of their own. */
const COLORS = [
  ...["#2b2e36", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4"],
  ...["#5c6370", "#ef7d86", "#a9d48a", "#f0d08c", "#72bfff", "#d78bee", "#67c7d3", "#ffffff"],
];

/** The lines of a screen as the content of a `<pre>`. Text is escaped. */
export function toHtml(screen: string): string {
  let style = PLAIN;
  // Each part but the first begins with the codes of a sequence.
  return screen.split("\x1b[").map((part, index) => {
    const [sequence, codes = ""] = index === 0 ? [""] : /^([\d;:]*)m/.exec(part) ?? [""];
    if (index > 0) style = applyCodes(style, codes.split(/[;:]/).map(Number));
    const text = part.slice(sequence.length);
    return text === "" ? "" : toSpan(text, style);
  }).join("");
}

/** The style after the codes of one sequence. Unknown codes change nothing. */
function applyCodes(before: Style, codes: number[]): Style {
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const isIndexed = codes[i + 1] === 5;
      const color = isIndexed ? toIndexed(codes[i + 2] ?? 0) : toRgb(codes.slice(i + 2, i + 5));
      style = { ...style, ...(code === 38 ? { color } : { background: color }) };
      i += isIndexed ? 2 : 4;
    } else style = { ...style, ...toChange(code) };
  }
  return style;
}

function toChange(code: number): Partial<Style> {
  if (code === 0) return PLAIN;
  if (code === 1) return { isBold: true };
  if (code === 2) return { isDim: true };
  if (code === 3 || code === 23) return { isItalic: code === 3 };
  if (code === 4 || code === 24) return { isUnderlined: code === 4 };
  if (code === 7 || code === 27) return { isReversed: code === 7 };
  if (code === 22) return { isBold: false, isDim: false };
  if (code === 39) return { color: null };
  if (code === 49) return { background: null };
  const [ten, one] = [Math.floor(code / 10), code % 10];
  if (one > 7) return {};
  if (ten === 3 || ten === 9) return { color: toIndexed(ten === 9 ? one + 8 : one) };
  if (ten === 4 || ten === 10) return { background: toIndexed(ten === 10 ? one + 8 : one) };
  return {};
}

/** One of 256 colors: sixteen, a cube of 6 × 6 × 6, and 24 shades of grey. */
function toIndexed(index: number): string {
  const own = COLORS[index];
  if (own !== undefined) return own;
  if (index >= 232) return toRgb(Array(3).fill(8 + (index - 232) * 10));
  const cube = index - 16;
  const levels = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6];
  return toRgb(levels.map((level) => level === 0 ? 0 : 55 + level * 40));
}

function toRgb(parts: number[]): string {
  return `rgb(${parts.join(",")})`;
}

function toSpan(text: string, style: Style): string {
  const [front, back] = [style.color ?? FOREGROUND, style.background ?? BACKGROUND];
  const css = [
    `color:${style.isReversed ? back : front}`,
    ...(style.isReversed || style.background !== null
      ? [`background:${style.isReversed ? front : back}`]
      : []),
    ...(style.isBold ? ["font-weight:bold"] : []),
    ...(style.isDim ? ["opacity:.6"] : []),
    ...(style.isItalic ? ["font-style:italic"] : []),
    ...(style.isUnderlined ? ["text-decoration:underline"] : []),
  ].join(";");
  return `<span style="${css}">${escapeHtml(text)}</span>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
