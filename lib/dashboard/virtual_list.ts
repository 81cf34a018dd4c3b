/**
 * A list that renders only the rows in view, so that it takes 10,000 as easily as ten. Rows of one type have the same
 * height, set in the style sheet. Arrow keys, Home and End move between the rows' buttons. Runs in the browser.
 * @module
 */

/// <reference lib="dom" />

/** Rows above and below the window that are rendered too. */
const MARGIN_PX = 400;

/** What the list needs to know of a row. */
export interface ListRow {
  type: string;
  key: string;
}

/** Options of a {@linkcode VirtualList}. */
export interface VirtualListOptions<R extends ListRow> {
  container: HTMLElement;
  /** Creates the element of a row, which contains one button. */
  render: (row: R) => HTMLElement;
  /** A row is rendered again when this text changes. */
  describe: (row: R) => string;
}

interface Rendered {
  element: HTMLElement;
  state: string;
}

/** The list. It scrolls with the page. */
export class VirtualList<R extends ListRow> {
  readonly #options: VirtualListOptions<R>;
  readonly #rendered = new Map<string, Rendered>();
  #rows: readonly R[] = [];
  /** The top of each row, and the end of the last. */
  #tops: number[] = [0];
  #indexes = new Map<string, number>();
  #heights = new Map<string, number>();
  /** The row that the Tab key reaches. */
  #current = "";
  #isScheduled = false;

  constructor(options: VirtualListOptions<R>) {
    this.#options = options;
    const { container } = options;
    container.addEventListener("keydown", (event) => this.#onKey(event));
    container.addEventListener("focusin", (event) => this.#onFocus(event));
    addEventListener("scroll", () => this.#schedule(), { passive: true });
    addEventListener("resize", () => this.show(this.#rows));
  }

  /** Shows these rows. The row at the top of the window stays where it is. */
  show(rows: readonly R[]): void {
    const anchor = this.#findAnchor();
    this.#rows = rows;
    this.#heights = new Map();
    this.#layOut();
    const { container } = this.#options;
    container.style.height = `${this.#tops.at(-1) ?? 0}px`;
    this.#restoreAnchor(anchor);
    if (!this.#indexes.has(this.#current)) this.#current = rows[0]?.key ?? "";
    this.#render();
  }

  /** Moves the focus to a row, if it is in the list. */
  focus(key: string): void {
    const index = this.#indexes.get(key);
    if (index !== undefined) this.#focusIndex(index);
  }

  #layOut(): void {
    let top = 0;
    this.#indexes = new Map();
    this.#tops = this.#rows.map(({ key, type }, index) => {
      this.#indexes.set(key, index);
      const start = top;
      top += this.#heightOf(type);
      return start;
    });
    this.#tops.push(top);
  }

  #heightOf(type: string): number {
    const known = this.#heights.get(type);
    if (known !== undefined) return known;
    const style = getComputedStyle(this.#options.container);
    const height = parseFloat(style.getPropertyValue(`--${type}-height`)) || 48;
    this.#heights.set(type, height);
    return height;
  }

  /** The first row in the window, unless the list begins below the top of the window. */
  #findAnchor(): { key: string; top: number } | null {
    const scrolled = -this.#options.container.getBoundingClientRect().top;
    if (scrolled <= 0) return null;
    const row = this.#rows[this.#indexAt(scrolled)];
    return row === undefined ? null : { key: row.key, top: this.#topOf(row.key) };
  }

  #restoreAnchor(anchor: { key: string; top: number } | null): void {
    if (anchor === null || !this.#indexes.has(anchor.key)) return;
    const moved = this.#topOf(anchor.key) - anchor.top;
    if (moved !== 0) scrollBy({ top: moved, behavior: "instant" });
  }

  #topOf(key: string): number {
    return this.#tops[this.#indexes.get(key) ?? 0] ?? 0;
  }

  /** The row at a height, by bisection. */
  #indexAt(height: number): number {
    let low = 0;
    let high = Math.max(0, this.#rows.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#tops[middle] ?? 0) <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#render();
    });
  }

  #render(): void {
    const { container } = this.#options;
    const scrolled = -container.getBoundingClientRect().top;
    const first = this.#indexAt(scrolled - MARGIN_PX);
    const last = this.#indexAt(scrolled + innerHeight + MARGIN_PX);
    const wanted = new Set<number>();
    for (let index = first; index <= last; index++) wanted.add(index);
    // The focus would be lost with its element.
    const current = this.#indexes.get(this.#current);
    if (current !== undefined) wanted.add(current);
    const keys = new Set([...wanted].map((index) => this.#rows[index]?.key));
    for (const [key, { element }] of this.#rendered) {
      if (keys.has(key)) continue;
      element.remove();
      this.#rendered.delete(key);
    }
    let previous: Element | null = null;
    for (const index of [...wanted].sort((a, b) => a - b)) previous = this.#place(index, previous);
  }

  /** Renders a row if it has changed, and keeps the document's order that of the rows. */
  #place(index: number, previous: Element | null): Element | null {
    const row = this.#rows[index];
    if (row === undefined) return previous;
    const { container, render, describe } = this.#options;
    const state = describe(row);
    const old = this.#rendered.get(row.key);
    let element = old?.element;
    if (element === undefined || old?.state !== state) {
      const hadFocus = element?.contains(document.activeElement) ?? false;
      const fresh = render(row);
      element?.replaceWith(fresh);
      element = fresh;
      this.#rendered.set(row.key, { element, state });
      if (hadFocus) this.#buttonOf(row.key)?.focus({ preventScroll: true });
    }
    const next: ChildNode | null = previous === null ? container.firstChild : previous.nextSibling;
    if (element !== next) container.insertBefore(element, next);
    element.style.top = `${this.#tops[index] ?? 0}px`;
    element.setAttribute("aria-posinset", `${index + 1}`);
    element.setAttribute("aria-setsize", `${this.#rows.length}`);
    const button = element.querySelector("button");
    if (button !== null) button.tabIndex = row.key === this.#current ? 0 : -1;
    return element;
  }

  #buttonOf(key: string): HTMLButtonElement | null | undefined {
    return this.#rendered.get(key)?.element.querySelector("button");
  }

  #onFocus({ target }: FocusEvent): void {
    for (const [key, { element }] of this.#rendered) {
      if (!(target instanceof Node) || !element.contains(target)) continue;
      const old = this.#buttonOf(this.#current);
      if (old) old.tabIndex = -1;
      this.#current = key;
      const button = this.#buttonOf(key);
      if (button) button.tabIndex = 0;
    }
  }

  #onKey(event: KeyboardEvent): void {
    const current = this.#indexes.get(this.#current) ?? 0;
    const targets: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      Home: 0,
      End: this.#rows.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#focusIndex(target);
  }

  #focusIndex(index: number): void {
    const row = this.#rows[index];
    if (row === undefined) return;
    this.#current = row.key;
    const { container } = this.#options;
    const top = container.getBoundingClientRect().top + (this.#tops[index] ?? 0);
    const height = this.#heightOf(row.type);
    // Below the search field, which stays in view.
    const upper = parseFloat(getComputedStyle(container).getPropertyValue("--sticky-height")) || 0;
    if (top < upper) scrollBy({ top: top - upper, behavior: "instant" });
    else if (top + height > innerHeight) {
      scrollBy({ top: top + height - innerHeight, behavior: "instant" });
    }
    this.#render();
    this.#buttonOf(row.key)?.focus({ preventScroll: true });
  }
}
