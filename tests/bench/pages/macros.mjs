// KumaScript macros, `{{Name("argument", …)}}`, as the HTML they stand for.

import { escapeHtml } from "./html.mjs";

const MACRO = /\{\{\s*([A-Za-z_][\w-]*)\s*(?:\(([^{}]*)\))?\s*\}\}/g;

/** Badges and banners, which put words on the page. */
const FIXED = {
  readonlyinline: " <em>Read only</em>",
  optional_inline: " <em>Optional</em>",
  deprecated_inline: " <em>Deprecated</em>",
  experimental_inline: " <em>Experimental</em>",
  "non-standard_inline": " <em>Non-standard</em>",
  deprecated_header: banner(
    "Deprecated",
    "This feature is no longer recommended. Though some browsers might still support it, it may " +
      "have already been removed from the relevant web standards.",
  ),
  "non-standard_header": banner(
    "Non-standard",
    "This feature is non-standard and is not on a standards track. Do not use it on production " +
      "sites facing the Web.",
  ),
  seecompattable: banner(
    "Experimental",
    "This is an experimental technology. Check the browser compatibility table carefully before " +
      "using this in production.",
  ),
  securecontext_header: banner(
    "Secure context",
    "This feature is available only in secure contexts (HTTPS), in some or all supporting browsers.",
  ),
  availableinworkers: banner("Note", "This feature is available in Web Workers."),
};

/** Macros that name something: a function from their arguments to the text shown. */
const NAMES = {
  domxref: ([name, text]) => code(text || name.replaceAll("_", " ").replaceAll("/", ".")),
  cssxref: ([name, text]) => code(text || name),
  jsxref: ([name, text]) =>
    code(
      text ||
        name
          .replace(/^Global_Objects\//, "")
          .replaceAll("/", ".")
          .replaceAll("_", " "),
    ),
  htmlelement: ([name, text]) => code(text || `<${name}>`),
  svgelement: ([name, text]) => code(text || `<${name}>`),
  mathmlelement: ([name, text]) => code(text || `<${name}>`),
  xsltref: ([name, text]) => code(text || name),
  svgattr: ([name]) => code(name),
  htmlattrxref: ([name, , text]) => code(text || name),
  htmlattrdef: ([name]) => code(name),
  svgattrdef: ([name]) => code(name),
  httpheader: ([name, text]) => code(text || name),
  httpmethod: ([name, text]) => code(text || name),
  httpstatus: ([name, text]) => code(text || name),
  csp: ([name]) => code(name),
  ariarole: ([name, text]) => code(text || name),
  webextapiref: ([name, text]) => code(text || name),
  glossary: ([name, text]) => escapeHtml(text || name),
  rfc: ([number, title, section]) =>
    escapeHtml(`RFC ${number}${section ? `, section ${section}` : ""}${title ? `: ${title}` : ""}`),
  bug: ([number]) => escapeHtml(`bug ${number}`),
  geckorelease: ([version]) => escapeHtml(`Gecko ${version}`),
};

/**
 * Replaces each macro by what a reader sees. Those that insert sidebars, tables from other data or
 * live samples, and unknown ones, leave nothing.
 */
export function expandMacros(markdown) {
  return markdown.replace(MACRO, (_, name, argumentList) => {
    const key = name.toLowerCase();
    const shown = NAMES[key];
    if (shown === undefined) {
      return FIXED[key] ?? "";
    }
    const args = parseArguments(argumentList ?? "");
    return args[0] ? shown(args) : "";
  });
}

function parseArguments(list) {
  const parts = list.matchAll(/"([^"]*)"|'([^']*)'|([^\s,][^,]*)/g);
  return [...parts].map(([, double, single, bare]) => (double ?? single ?? bare).trim());
}

function code(text) {
  return `<code>${escapeHtml(text)}</code>`;
}

function banner(name, text) {
  return `<div class="notecard"><p><strong>${name}:</strong> ${text}</p></div>\n`;
}
