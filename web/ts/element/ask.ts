// `<littoral-ask>`: a question, and an answer in sentences that each lead to where they are from. Without
// a language model the documents themselves are quoted; with one, what it writes is held against them.

import type { Answer, AnswerSentence, AskOptions, Citation, Llm, Mode, OpenOptions } from "../types.js";
import { attribute, Base, button, dress, isRightToLeft, keepLetters, languageOf, make } from "./dom.js";
import { safeUrl } from "./marked.js";
import { baseOf, folderOf, forget, indexAt } from "./opened.js";
import { ASK } from "./style.js";
import { ENGLISH, errorText, noteText, type Texts, textsOf } from "./texts.js";

/** Notes that are for the site's owner, or told in another way. */
const UNTOLD = new Set(["no-vectors", "not-found", "unsupported"]);

type Parts = ReturnType<LittoralAsk["_build"]>;

export class LittoralAsk extends Base {
  static readonly observedAttributes = ["placeholder", "label", "lang"];
  /** A language model that writes the answer; without one, the documents are quoted. */
  llm?: Llm;
  /** Options of `open`: where the engine is, whether in a worker. */
  openOptions: OpenOptions = {};

  #texts: Texts = ENGLISH;
  #own: Partial<Texts> = {};
  #answer: Answer | undefined;
  #asking: AbortController | undefined;
  #parts?: Parts;

  /** The last answer. */
  get answer(): Answer | undefined {
    return this.#answer;
  }

  /** What stands in the box. */
  get value(): string {
    return this.#parts?.input.value ?? "";
  }

  set value(question: string) {
    if (this.#parts !== undefined) this.#parts.input.value = question;
  }

  /** Texts of this element's own, over those of its language. */
  set texts(texts: Partial<Texts>) {
    this.#own = texts;
    void this.#speak();
  }

  override focus(options?: FocusOptions): void {
    this.#parts?.input.focus(options);
  }

  connectedCallback(): void {
    this.#parts ??= this._build();
    void this.#speak();
  }

  disconnectedCallback(): void {
    this.#asking?.abort();
  }

  attributeChangedCallback(): void {
    if (this.#parts !== undefined) void this.#speak();
  }

  /** Asks what stands in the box, or `question`; what was asked before is given up. */
  async ask(question = this.value): Promise<void> {
    const parts = this.#parts ?? this._build();
    if (question.trim() === "") return;
    this.value = question;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#answer = undefined;
    parts.answer.replaceChildren();
    parts.sources.replaceChildren();
    parts.message.replaceChildren(make("p", {}, this.#texts.asking));
    parts.answer.setAttribute("aria-busy", "true");
    try {
      const open = attribute(this, "worker") === "off" ? { ...this.openOptions, worker: false } : this.openOptions;
      const index = await indexAt(folderOf(this), open);
      asking.signal.throwIfAborted();
      const answers = index.ask(question, { ...this.#options(), signal: asking.signal });
      for (;;) {
        const { done, value } = await answers.next();
        if (this.#asking !== asking) return;
        if (done) {
          this.#end(value);
          break;
        }
        parts.answer.append(this.#sentence(value));
      }
    } catch (thrown) {
      if (this.#asking === asking && !asking.signal.aborted) this.#failed(thrown as Error & { code?: string });
    } finally {
      if (this.#asking === asking) parts.answer.removeAttribute("aria-busy");
    }
  }

  #options(): AskOptions {
    const number = (name: string) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined);
    const mode = attribute(this, "mode") as Mode | undefined;
    return { sentences: number("sentences"), threshold: number("threshold"), llm: this.llm, ...(mode && { mode }) };
  }

  /** Builds the tree once. @internal */
  _build() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    dress(root, ASK);
    const input = make("input", { part: "input", type: "text", enterkeyhint: "send", autocomplete: "off" });
    const send = button("send", "", () => void this.ask());
    const box = make("div", { class: "box", part: "box" }, input, send);
    const message = make("div", { class: "message", part: "message", role: "status" });
    const answer = make("div", { class: "answer", part: "answer", "aria-live": "polite", dir: "auto" });
    const sources = make("ol", { class: "sources", part: "sources" });
    const whole = make("div", { class: "whole", role: "search" }, box, message, answer, sources);
    root.replaceChildren(whole);
    keepLetters(input);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      void this.ask();
    });
    // Loaded while the question is being written.
    const preload = () => void indexAt(folderOf(this), this.openOptions).catch(() => undefined);
    if (attribute(this, "worker") !== "off") input.addEventListener("focus", preload, { once: true });
    return { whole, box, input, send, message, answer, sources };
  }

  /** A sentence with the numbers of what it is from, which lead there once all is known. */
  #sentence({ text, citations, supported }: AnswerSentence): HTMLElement {
    const numbers = citations.map((id) => make("a", { class: "number", part: "number", "data-id": id }, id));
    const doubt = supported ? undefined : make("span", { class: "doubt", part: "doubt" }, this.#texts.doubtful);
    return make("p", { class: "sentence", part: "sentence" }, text, " ", ...numbers, doubt);
  }

  #end(answer: Answer): void {
    const { message, answer: shown, sources } = this.#parts as Parts;
    this.#answer = answer;
    const said = answer.notes.filter(({ code }) => !UNTOLD.has(code));
    const notes = said.map(({ code, message }) => make("p", {}, noteText(this.#texts, code, message)));
    if (answer.abstained) notes.unshift(make("p", { class: "lead" }, this.#texts.notFound));
    message.replaceChildren(...notes);
    const hrefs = new Map(answer.citations.map((citation) => [citation.id, this.#href(citation)]));
    for (const number of shown.querySelectorAll<HTMLAnchorElement>("a.number")) {
      const href = hrefs.get(number.dataset.id ?? "");
      if (href !== undefined) number.href = href;
    }
    sources.setAttribute("aria-label", this.#texts.sources);
    sources.replaceChildren(...answer.citations.map((citation) => this.#source(citation, hrefs.get(citation.id))));
    this.dispatchEvent(new CustomEvent("littoral-answer", { detail: answer, bubbles: true, composed: true }));
  }

  /** Where a quote stands, where a link may lead there. */
  #href({ document: page, url }: Citation): string | undefined {
    return safeUrl(url === "" ? page.url : url, baseOf(this))?.href;
  }

  #source(citation: Citation, href: string | undefined): HTMLElement {
    const { id, document: page, chunk, quote } = citation;
    const place = [page.title || page.id, ...chunk.heading.filter((heading) => heading !== page.title)].join(" › ");
    const title = href === undefined ? make("span", {}, place) : make("a", { href }, place);
    title.setAttribute("class", "title");
    title.setAttribute("part", "title");
    title.setAttribute("dir", "auto");
    title.addEventListener("click", (event) => {
      const init = { detail: { citation, url: href }, bubbles: true, composed: true, cancelable: true };
      if (!this.dispatchEvent(new CustomEvent("littoral-select", init))) event.preventDefault();
    });
    const words = make("span", { class: "quote", part: "quote", dir: "auto" }, quote);
    return make("li", { class: "source", part: "source" }, make("span", { class: "id" }, id), make("div", {}, title, words));
  }

  #failed(error: Error & { code?: string }): void {
    const { message, answer } = this.#parts as Parts;
    answer.replaceChildren();
    const lead = errorText(this.#texts, error.code ?? "internal");
    const detail = lead === this.#texts.failed ? [make("p", {}, error.message)] : [];
    const retry = button("retry", this.#texts.retry, () => {
      forget(folderOf(this));
      void this.ask();
    });
    message.replaceChildren(make("p", { class: "lead" }, lead), ...detail, retry);
    this.dispatchEvent(new CustomEvent("littoral-error", { detail: error, bubbles: true, composed: true }));
  }

  async #speak(): Promise<void> {
    const language = languageOf(this);
    // A box has a name from the first moment, if not yet in its language.
    if (this.#parts?.input.hasAttribute("aria-label") === false) this.#name(ENGLISH, language);
    this.#name(await textsOf(language).catch(() => ENGLISH), language);
  }

  #name(texts: Texts, language: string): void {
    this.#texts = { ...texts, ...this.#own };
    const { whole, input, send } = this.#parts ?? this._build();
    const label = attribute(this, "label") ?? this.#texts.question;
    input.setAttribute("aria-label", label);
    whole.setAttribute("aria-label", label);
    input.placeholder = attribute(this, "placeholder") ?? this.#texts.question;
    send.textContent = this.#texts.ask;
    whole.dir = isRightToLeft(language) ? "rtl" : "";
  }
}
