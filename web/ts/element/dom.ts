// Nodes by name: text is text, attributes are strings, and there is no way to pass HTML.

type Child = Node | string | undefined;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A button that does `act`. */
export function button(part: string, label: string, act: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", part, class: part }, label);
  made.addEventListener("click", act);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A line drawing on a grid of 24, seen and not read. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const LENS = "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm4.7 11.2L20 20";
export const CROSS = "M6 6l12 12M18 6L6 18";
/** The key that deletes, so that it is not taken for the cross that closes. */
export const ERASE = "M9 6h11v12H9l-6-6zm3.5 4l4 4m0-4l-4 4";
export const PAST = "M12 7v5l3 2M4.5 12a7.5 7.5 0 1 0 2.2-5.3L4.5 9M4.5 4.5V9H9";

/** Rules for a shadow root, without a style element: a page's policy does not forbid them. */
export function dress(root: ShadowRoot, css: string): void {
  let sheet = sheets.get(css);
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.set(css, sheet);
  }
  root.adoptedStyleSheets = [sheet];
}

const sheets = new Map<string, CSSStyleSheet>();

/** Keeps letters that are typed into `input` to it: a page's shortcuts of single keys do not see that they are
 * meant for a field, since it lies within another tree. */
export function keepLetters(input: HTMLElement): void {
  input.addEventListener("keydown", (event) => {
    const isLetter = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (isLetter) event.stopPropagation();
  });
}

/** What the elements extend: on a server, where there are none, something to be imported. */
export const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** An element's attribute as a property. */
export const attribute = (element: Element, name: string): string | undefined =>
  element.getAttribute(name) ?? undefined;

/** The language of an element: its own, or that of what it lies in. */
export const languageOf = (element: Element): string =>
  element.closest("[lang]")?.getAttribute("lang") || document.documentElement.lang || "en";

/** Whether a language is written from right to left. */
export const isRightToLeft = (language: string): boolean => /^(ar|fa|he|ur|ckb|dv|ps|sd|yi)\b/i.test(language);
