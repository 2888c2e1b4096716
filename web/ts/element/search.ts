// `<littoral-search>`: a box, and below it what was found, to the combobox pattern of the ARIA
// Authoring Practices: the keyboard's focus stays in the box, `aria-activedescendant` moves.

import type { Hit, Mode, OpenOptions, SearchResult } from "../types.js";
import { Controller, type State } from "./controller.js";
import { attribute, Base, button, dress, ERASE, icon, isRightToLeft, keepLetters, languageOf, LENS, make, PAST } from "./dom.js";
import { hrefOf } from "./marked.js";
import { baseOf, folderOf } from "./opened.js";
import { type Choice, hitOption, messageOf, filterRows } from "./render.js";
import { forgetAll, recent, remember } from "./recent.js";
import { SEARCH } from "./style.js";
import { ENGLISH, filled, noteText, type Texts, textsOf } from "./texts.js";

/** What the live region waits for: a screen reader would read every letter's count. */
const SPOKEN_MS = 500;
const BUSY_MS = 150;
/** Notes that are for the site's owner: what the index is made of, and words of the suggestion. */
const UNTOLD = new Set(["no-vectors", "corrected"]);

type Parts = ReturnType<LittoralSearch["_build"]>;

export class LittoralSearch extends Base {
  static readonly observedAttributes = ["src", "placeholder", "label", "lang", "inline"];
  /** Makes what an option shows of a hit; `undefined` for the usual. A node, never HTML. */
  renderHit?: (hit: Hit, isSub: boolean) => Node | undefined;
  /** Options of `open`: where the engine is, whether in a worker. */
  openOptions: OpenOptions = {};

  #texts: Texts = ENGLISH;
  #own: Partial<Texts> = {};
  #isShown = false;
  #isRedrawing = false;
  #active = -1;
  #choices: Choice[] = [];
  #shown: State["groups"] | undefined;
  #expanded = new Set<string>();
  #said: ReturnType<typeof setTimeout> | undefined;
  #busy: ReturnType<typeof setTimeout> | undefined;
  #controller = new Controller(
    () => ({
      src: this.src,
      mode: attribute(this, "mode") as Mode | undefined,
      limit: Number(attribute(this, "limit")) || 10,
      filters: attribute(this, "filters")?.split(/[\s,]+/).filter((key) => key !== "" && key !== "none"),
      explain: this.hasAttribute("explain"),
      open: attribute(this, "worker") === "off" ? { ...this.openOptions, worker: false } : this.openOptions,
    }),
    () => this.#changed(),
  );
  #parts?: Parts;

  /** The folder of the index, as an address. */
  get src(): string {
    return folderOf(this);
  }

  /** What addresses of documents are relative to: the folder that the index lies in. */
  get base(): string {
    return baseOf(this);
  }

  /** What stands in the box. */
  get value(): string {
    return this.#parts?.input.value ?? "";
  }

  set value(query: string) {
    if (this.#parts === undefined) return;
    this.#parts.input.value = query;
    this.#typed();
  }

  /** The last answer. */
  get result(): SearchResult | undefined {
    return this.#controller.state.result;
  }

  /** Texts of this element's own, over those of its language. */
  set texts(texts: Partial<Texts>) {
    this.#own = texts;
    void this.#speak();
  }

  /** Loads engine and index before they are needed. */
  async preload(): Promise<void> {
    await this.#controller.open();
  }

  override focus(options?: FocusOptions): void {
    this.#parts?.input.focus(options);
  }

  connectedCallback(): void {
    this.#parts ??= this._build();
    addEventListener("online", this.#network);
    addEventListener("offline", this.#network);
    void this.#speak();
  }

  disconnectedCallback(): void {
    removeEventListener("online", this.#network);
    removeEventListener("offline", this.#network);
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (this.#parts === undefined || before === now) return;
    if (name === "src") this.#controller.retry();
    void this.#speak();
  }

  #network = () => {
    if (navigator.onLine && this.#controller.state.status === "error") this.#controller.retry();
    else this.#paint();
  };

  /** Builds the tree once. @internal */
  _build() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    dress(root, SEARCH);
    const input = make("input", {
      ...{ part: "input", type: "text", role: "combobox", inputmode: "search", enterkeyhint: "search" },
      ...{ autocomplete: "off", autocapitalize: "off", spellcheck: "false" },
      ...{ "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": "list" },
    });
    const clear = button("clear", "", () => {
      this.value = "";
      input.focus();
    });
    clear.append(icon(ERASE));
    const box = make("div", { class: "box", part: "box" }, icon(LENS), input, clear);
    const bar = make("div", { class: "bar", part: "status" });
    const filters = make("div", { class: "filters", part: "filters" });
    const list = make("div", { id: "list", role: "listbox", part: "list" });
    const past = make("div", { class: "past" });
    const message = make("div", { class: "message", part: "message" });
    const more = button("more", "", () => this.#controller.more());
    const scroll = make("div", { class: "scroll" }, past, list, message, more);
    const panel = make("div", { class: "panel", part: "panel" }, bar, filters, scroll, make("slot", { name: "footer" }));
    const heard = make("div", { class: "heard", role: "status" });
    const whole = make("div", { class: "whole", role: "search" }, box, panel);
    root.replaceChildren(whole, heard);
    input.addEventListener("input", () => this.#typed());
    keepLetters(input);
    input.addEventListener("keydown", (event) => this.#pressed(event));
    input.addEventListener("focus", () => {
      this.#controller.open().catch(() => undefined);
      this.#show(true);
    });
    // A click beside the options must not take the focus from the box.
    panel.addEventListener("mousedown", (event) => {
      if ((event.target as Element).closest(".option")) event.preventDefault();
    });
    this.addEventListener("focusout", ({ relatedTarget }) => {
      // A button that is made anew loses the focus, and gets it back.
      if (this.#isRedrawing) return;
      if (!this.contains(relatedTarget as Node | null) && !root.contains(relatedTarget as Node | null)) this.#show(false);
    });
    panel.hidden = true;
    return { whole, box, input, clear, panel, bar, filters, past, list, message, more, scroll, heard };
  }

  async #speak(): Promise<void> {
    const language = languageOf(this);
    // A box has a name from the first moment, if not yet in its language.
    if (this.#parts?.input.hasAttribute("aria-label") === false) this.#name(ENGLISH, language);
    this.#name(await textsOf(language).catch(() => ENGLISH), language);
  }

  #name(texts: Texts, language: string): void {
    this.#texts = { ...texts, ...this.#own };
    const { whole, input, clear, list } = this.#parts ?? this._build();
    const label = attribute(this, "label") ?? this.#texts.label;
    input.setAttribute("aria-label", label);
    whole.setAttribute("aria-label", label);
    input.placeholder = attribute(this, "placeholder") ?? this.#texts.placeholder;
    clear.setAttribute("aria-label", this.#texts.clear);
    list.setAttribute("aria-label", this.#texts.results);
    whole.dir = isRightToLeft(language) ? "rtl" : "";
    this.#shown = undefined;
    this.#paint();
  }

  #typed(): void {
    this.#active = -1;
    this.#isShown = true;
    this.#controller.ask(this.value);
    this.#paint();
  }

  #changed(): void {
    const { state } = this.#controller;
    const { box } = this.#parts as Parts;
    clearTimeout(this.#busy);
    if (state.status === "loading") {
      this.#busy = setTimeout(() => {
        box.classList.add("busy");
        this.#paint(true);
      }, BUSY_MS);
      return;
    }
    box.classList.remove("busy");
    this.#paint();
    if (state.status === "ready") this.#tell("result", { result: state.result });
    if (state.status === "error") this.#tell("error", state.error);
  }

  #tell(name: string, detail: unknown): boolean {
    const init = { detail, bubbles: true, composed: true, cancelable: name === "select" };
    return this.dispatchEvent(new CustomEvent(`littoral-${name}`, init));
  }

  #show(isShown: boolean): void {
    if (this.#isShown === isShown) return;
    this.#isShown = isShown;
    if (!isShown) this.#active = -1;
    this.#paint();
  }

  /** Brings the tree in line with what is known. Options are made anew only where hits are new. */
  #redraw(parts: Parts, isSlow: boolean): void {
    const { state } = this.#controller;
    const texts = this.#texts;
    const isEmpty = this.value.trim() === "";
    const kept = isEmpty && attribute(this, "recent") !== "off" ? recent(this.src) : [];
    const found = isEmpty ? [] : state.groups;
    parts.clear.hidden = this.value === "";
    if (isEmpty) {
      this.#choices = [];
      parts.list.replaceChildren(...kept.map((query) => this.#past(query)));
      this.#shown = undefined;
    } else if (this.#shown !== found) {
      this.#shown = found;
      this.#choices = [];
      parts.list.replaceChildren(...found.map((group) => this.#group(group)));
    }
    parts.past.replaceChildren(
      make("span", {}, texts.recent),
      button("forget", texts.forget, () => {
        forgetAll(this.src);
        this.focus();
        this.#paint();
      }),
    );
    parts.past.hidden = kept.length === 0;
    const message = messageOf(state, texts, { isEmpty, isSlow, hasRecent: kept.length > 0, isHinted: this.hasAttribute("inline") }, this.#controller);
    parts.message.replaceChildren(...message);
    parts.message.hidden = message.length === 0;
    parts.list.hidden = this.#choices.length === 0 || (state.status === "error" && !isEmpty);
    const isFull = (state.result?.hits.length ?? 0) >= (Number(attribute(this, "limit")) || 10);
    parts.more.textContent = texts.more;
    parts.more.hidden = parts.list.hidden || isEmpty || !isFull || state.result?.hits.length === 1000;
    this.#paintBar(isEmpty);
    const rows = isEmpty || state.status === "error" ? [] : filterRows(state, texts, this.#expanded, this.#controller, () => this.#paint());
    parts.filters.replaceChildren(...rows);
    parts.filters.hidden = rows.length === 0;
    const hasContent = this.#choices.length > 0 || message.length > 0;
    parts.panel.hidden = !(hasContent && (this.#isShown || (this.hasAttribute("inline") && !isEmpty)));
    parts.input.setAttribute("aria-expanded", String(!parts.panel.hidden && !parts.list.hidden));
    this.#point(this.#active < this.#choices.length ? this.#active : -1, false);
    this.#say(isEmpty, message);
  }

  #paintBar(isEmpty: boolean): void {
    const { bar } = this.#parts as Parts;
    const { state } = this.#controller;
    const texts = this.#texts;
    const lines: Node[] = [];
    if (!isEmpty && state.result !== undefined && state.status !== "error") {
      const { n_found, hits, notes } = state.result;
      if (hits.length > 0) lines.push(make("span", {}, filled(texts.found, { n: Math.max(n_found, state.groups.length) })));
      for (const { code, message, suggestion } of notes) {
        if (suggestion !== undefined) {
          const meant = button("suggestion", suggestion, () => {
            this.value = suggestion;
            this.focus();
          });
          lines.push(make("span", {}, `${texts.suggestion} `, meant, "?"));
        } else if (!UNTOLD.has(code)) lines.push(make("span", { part: "note" }, noteText(texts, code, message)));
      }
      if (!navigator.onLine) lines.push(make("span", { part: "note" }, texts.offlineNote));
    }
    bar.replaceChildren(...lines);
    bar.hidden = lines.length === 0;
  }

  /** Redraws, and gives the focus back to the button that had it, or to the box. */
  #paint(isSlow = false): void {
    const root = this.shadowRoot;
    if (this.#parts === undefined || root === null) return;
    const focused = root.activeElement;
    this.#isRedrawing = true;
    this.#redraw(this.#parts, isSlow);
    this.#isRedrawing = false;
    if (focused === null || focused.isConnected) return;
    const name = focused.getAttribute("data-id");
    const again = [...root.querySelectorAll<HTMLElement>("[data-id]")];
    ((name !== null && again.find((each) => each.getAttribute("data-id") === name)) || this).focus();
  }

  #group({ hits }: State["groups"][number]): HTMLElement {
    const title = hits[0].document.title || hits[0].document.url;
    const options = hits.map((hit, i) => this.#option(hit, i > 0));
    return make("div", { role: "group", class: "group", part: "group", "aria-label": title }, ...options);
  }

  #option(hit: Hit, isSub: boolean): HTMLElement {
    const href = hrefOf(hit, this.base, attribute(this, "text-fragment") !== "off");
    const template = this.querySelector<HTMLTemplateElement>(":scope > template");
    const own = this.renderHit?.(hit, isSub);
    const element = hitOption(hit, href, isSub, this.base, template, own);
    element.addEventListener("click", (event) => {
      if (!this.#tell("select", { hit, href })) return event.preventDefault();
      if (attribute(this, "recent") !== "off") remember(this.src, this.value.trim());
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) this.#show(false);
    });
    this.#add({ element });
    return element;
  }

  #past(query: string): HTMLElement {
    const element = make("div", { role: "option", class: "option recent", part: "option recent" }, icon(PAST), make("span", { dir: "auto" }, query));
    element.addEventListener("click", () => {
      this.value = query;
      this.focus();
    });
    this.#add({ element });
    return element;
  }

  #add(choice: Choice): void {
    choice.element.id = `o${this.#choices.length}`;
    choice.element.setAttribute("aria-selected", "false");
    this.#choices.push(choice);
  }

  #pressed(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const n = this.#choices.length;
    const isOpen = !(this.#parts?.panel.hidden ?? true);
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.altKey) {
      event.preventDefault();
      this.#isShown = true;
      this.#paint();
      if (n === 0) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      // Beyond either end lies the box itself.
      this.#point(((this.#active + 1 + step + n + 1) % (n + 1)) - 1, true);
    } else if (event.key === "Enter") {
      const chosen = this.#choices[Math.max(this.#active, 0)];
      if (!isOpen || chosen === undefined || this.value.trim() !== this.#controller.state.result?.query.trim()) {
        if (this.#active < 0 || chosen === undefined) return;
      }
      event.preventDefault();
      const { ctrlKey, metaKey, shiftKey } = event;
      chosen?.element.dispatchEvent(
        new MouseEvent("click", { bubbles: true, cancelable: true, composed: true, ctrlKey, metaKey, shiftKey }),
      );
    } else if (event.key === "Escape" && !this.hasAttribute("embedded")) {
      if (!isOpen && this.value === "") return;
      event.preventDefault();
      if (isOpen && !this.hasAttribute("inline")) this.#show(false);
      else this.value = "";
    }
  }

  #point(at: number, isMoved: boolean): void {
    const { input } = this.#parts as Parts;
    this.#choices[this.#active]?.element.setAttribute("aria-selected", "false");
    this.#active = at;
    const active = this.#choices[at]?.element;
    active?.setAttribute("aria-selected", "true");
    if (active === undefined) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", active.id);
    if (isMoved) active?.scrollIntoView({ block: "nearest" });
  }

  /** Tells those who listen how much was found, once typing pauses. */
  #say(isEmpty: boolean, message: Node[]): void {
    const { heard, bar } = this.#parts as Parts;
    const text = isEmpty ? "" : [...bar.childNodes, ...message].map(({ textContent }) => textContent).join(" ");
    clearTimeout(this.#said);
    this.#said = setTimeout(() => {
      if (heard.textContent !== text) heard.textContent = text;
    }, SPOKEN_MS);
  }
}
