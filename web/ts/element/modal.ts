// `<littoral-modal>`: a button, and a dialog with the search in it. The dialog is the browser's own:
// it keeps the focus, makes the page behind inert and gives the focus back.

import { attribute, Base, button, CROSS, dress, icon, languageOf, LENS, make } from "./dom.js";
import type { LittoralSearch } from "./search.js";
import { MODAL } from "./style.js";
import { ENGLISH, type Texts, textsOf } from "./texts.js";

/** What is handed on to the search within. */
const SHARED = ["src", "base", "mode", "limit", "filters", "recent", "text-fragment", "explain", "placeholder", "label", "lang", "theme", "worker"];
const PARTS = ["box", "input", "clear", "panel", "status", "note", "filters", "chip", "list", "group", "option", "main", "sub", "recent", "title", "heading", "excerpt", "mark", "message", "more"];
type Parts = ReturnType<LittoralModal["_build"]>;

const isApple = () => /Mac|iP/.test(globalThis.navigator?.platform ?? "");

export class LittoralModal extends Base {
  static readonly observedAttributes = [...SHARED, "hotkeys"];
  #parts?: Parts;
  #own: Partial<Texts> = {};

  /** The search in the dialog: its properties are `renderHit`, `openOptions`, `value`. */
  get search(): LittoralSearch {
    this.#parts ??= this._build();
    return this.#parts.search;
  }

  set texts(texts: Partial<Texts>) {
    this.#own = texts;
    this.search.texts = texts;
    void this.#speak();
  }

  get isOpen(): boolean {
    return this.#parts?.dialog.open ?? false;
  }

  open(query?: string): void {
    const { dialog, search } = this.#parts ?? this._build();
    if (!dialog.open) dialog.showModal();
    if (query !== undefined) search.value = query;
    search.focus();
  }

  close(): void {
    this.#parts?.dialog.close();
  }

  connectedCallback(): void {
    this.#parts ??= this._build();
    addEventListener("keydown", this.#pressed);
    this.#hand();
    void this.#speak();
  }

  disconnectedCallback(): void {
    removeEventListener("keydown", this.#pressed);
  }

  attributeChangedCallback(): void {
    if (this.#parts === undefined) return;
    this.#hand();
    void this.#speak();
  }

  /** Builds the tree once. @internal */
  _build() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    dress(root, MODAL);
    const trigger = button("trigger", "", () => this.open());
    // Loaded while the pointer is on its way.
    trigger.addEventListener("pointerenter", () => void this.search.preload().catch(() => undefined), { once: true });
    const slot = make("slot", { name: "trigger" }, trigger);
    slot.addEventListener("click", ({ target }) => {
      if (target !== trigger && !trigger.contains(target as Node)) this.open();
    });
    const search = make("littoral-search" as "div", { inline: "", embedded: "", exportparts: PARTS.join(",") }) as unknown as LittoralSearch;
    const close = button("close", "", () => this.close());
    close.append(icon(CROSS));
    const dialog = make("dialog", { part: "dialog" }, search, close);
    // A click on what lies behind.
    dialog.addEventListener("mousedown", (event) => {
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      const { clientX: x, clientY: y, target } = event;
      if (target === dialog && (x < left || x > right || y < top || y > bottom)) this.close();
    });
    dialog.addEventListener("littoral-select", (event) => {
      if (!event.defaultPrevented) queueMicrotask(() => this.close());
    });
    root.replaceChildren(slot, dialog);
    return { trigger, dialog, search, close };
  }

  #hand(): void {
    const { search } = this.#parts as Parts;
    for (const name of SHARED) {
      const value = this.getAttribute(name);
      if (value === null) search.removeAttribute(name);
      else if (value !== search.getAttribute(name)) search.setAttribute(name, value);
    }
    const template = this.querySelector(":scope > template");
    if (template !== null && search.querySelector("template") === null) search.append(template.cloneNode(true));
  }

  async #speak(): Promise<void> {
    const language = languageOf(this);
    // A button has a name from the first moment, if not yet in its language.
    if (this.#parts?.trigger.childElementCount === 0) this.#name(ENGLISH, language);
    this.#name(await textsOf(language).catch(() => ENGLISH), language);
  }

  #name(ofLanguage: Texts, language: string): void {
    const texts = { ...ofLanguage, ...this.#own };
    const { trigger, dialog, close, search } = this.#parts as Parts;
    // What lies in a shadow tree does not see the language around it.
    if (!this.hasAttribute("lang")) search.lang = language;
    const keys = this.#hotkeys();
    const hint = keys.has("mod+k") ? (isApple() ? "⌘K" : "Ctrl K") : keys.has("/") ? "/" : undefined;
    const shown = hint === undefined ? [] : [make("kbd", { "aria-hidden": "true" }, hint)];
    trigger.replaceChildren(icon(LENS), make("span", {}, attribute(this, "label") ?? texts.open), ...shown);
    trigger.setAttribute("aria-haspopup", "dialog");
    const shortcuts = [keys.has("mod+k") && "Control+K Meta+K", keys.has("/") && "/"].filter(Boolean);
    if (shortcuts.length > 0) trigger.setAttribute("aria-keyshortcuts", shortcuts.join(" "));
    dialog.setAttribute("aria-label", attribute(this, "label") ?? texts.label);
    close.setAttribute("aria-label", texts.close);
  }

  #hotkeys(): Set<string> {
    return new Set((attribute(this, "hotkeys") ?? "mod+k /").toLowerCase().split(/\s+/));
  }

  #pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.shiftKey) return;
    const isMod = event.ctrlKey || event.metaKey;
    const keys = this.#hotkeys();
    if (isMod && event.key.toLowerCase() === "k" && keys.has("mod+k")) {
      event.preventDefault();
      if (this.isOpen) this.close();
      else this.open();
    } else if (!isMod && event.key === "/" && keys.has("/") && !this.isOpen && !isEditable(event)) {
      event.preventDefault();
      this.open();
    }
  };
}

/** Whether a key was meant for a field, in whatever tree it lies. */
function isEditable(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
