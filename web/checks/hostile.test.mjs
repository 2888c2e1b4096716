// Documents, filters and queries that are written to become HTML, shown by the elements in a real
// Chromium: on a careful page, and on one without any policy, where whatever is parsed would run.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { CSS, indexOf, page, program, STRICT } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip =
  (program === undefined && "there is no program to build an index with") ||
  (!existsSync(executablePath) && `there is no ${executablePath}`);
const pkg = fileURLToPath(new URL("../pkg/", import.meta.url));

const RUNS = ["alert(1)", "globalThis.ran=1", "fetch('/canary')", "import('/canary')", "top.location='/canary'"];
/** What a script hides in; `$` is the script. */
const SHAPES = [
  "<script>$</script>",
  "</script><script>$</script>",
  "<ScRiPt>$</sCrIpT>",
  "<img src=x onerror=$>",
  '<img src="/canary?$">',
  '"><img src=x onerror=$>',
  "'><img src=x onerror=$>",
  "<svg onload=$>",
  "<svg><script>$</script></svg>",
  "<svg><animate onbegin=$ attributeName=x dur=1s>",
  "<math><mtext><table><mglyph><style><img src=x onerror=$>",
  "<iframe src=javascript:$></iframe>",
  "<iframe srcdoc='<script>$</script>'></iframe>",
  "<object data=javascript:$></object>",
  "<embed src=javascript:$>",
  "<a href=javascript:$>tap</a>",
  "<a href='java\tscript:$'>tap</a>",
  "<form action=javascript:$><button>tap</button></form>",
  "<input autofocus onfocus=$>",
  "<details open ontoggle=$>",
  "<video><source onerror=$>",
  "<body onload=$>",
  "<marquee onstart=$>",
  "<style>@import '/canary?$';</style>",
  "<link rel=stylesheet href='/canary?$'>",
  "<meta http-equiv=refresh content='0;url=/canary?$'>",
  "<base href='/canary?$'>",
  "<template><img src=x onerror=$></template>",
  "<noscript><p title='</noscript><img src=x onerror=$>'>",
  "<!--><img src=x onerror=$>-->",
  "<mark><img src=x onerror=$></mark>",
  "</mark><img src=x onerror=$><mark>",
  "&lt;img src=x onerror=$&gt;",
  "&lt;mark&gt;&lt;img src=x onerror=$&gt;",
  "&#60;img src=x onerror=$&#62;",
  "&amp;lt;img src=x onerror=$&amp;gt;",
  "\u0000<img src=x onerror=$>",
  "<img\u000csrc=x\u000conerror=$>",
  "<img/src=x/onerror=$>",
  "＜img src=x onerror=$＞",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a payload that looks like one
  "`${$}`",
  "{{constructor.constructor('$')()}}",
  "<x-y id=__proto__ onclick=$>",
  "<form id=result><input name=hits value=$></form>",
  "javascript:$",
  "JaVaScRiPt:$",
  "java\nscript:$",
  "\u0001javascript:$",
  "javascript&colon;$",
  "data:text/html,<script>$</script>",
  "vbscript:$",
  "blob:$",
  "//evil.example/canary?$",
  "\\\\evil.example\\canary?$",
  "..%2f..%2fcanary?$",
  "javascript%3A$",
  "%6aavascript:$",
  "view-source:javascript:$",
  "#:~:text=$",
  "<plaintext>$",
];
const PAYLOADS = SHAPES.flatMap((shape) => RUNS.map((run) => shape.replaceAll("$", run)));

const records = PAYLOADS.map((payload, i) => ({
  _id: `${i}`,
  url: payload,
  title: `${payload} canary`,
  text: `The canary ${i} sings: ${payload} and the canary ends.`,
  filters: { [`f${i % 7}`]: [payload], kind: [payload.slice(0, 40)] },
  meta: { note: payload },
}));
/** Pages whose headings and attributes carry them, as a careful author escapes them. */
const pages = PAYLOADS.map((payload, i) => {
  const text = payload.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  return [
    `${i}.html`,
    `<!doctype html><title>Page ${i}</title><main><h1>Page ${i}</h1><h2 id="${text}">${text}</h2><p>A canary ${i}.</p></main>`,
  ];
});

let browser;
let indexes;

before(async () => {
  if (skip) return;
  indexes = { records: indexOf(records), headings: indexOf(pages) };
  browser = await chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
});

after(() => browser?.close());

test("there are three hundred payloads", () => assert.equal(new Set(PAYLOADS).size, 300));

/** Names of elements that the search makes; any other would have come from a document. */
const OWN = "A BUTTON DIV INPUT MARK P PATH SLOT SPAN SVG";

for (const [policyName, policy] of Object.entries({ strict: STRICT, none: undefined })) {
  for (const from of ["records", "headings"]) {
    test(`nothing of a document runs or is fetched: ${from}, policy ${policyName}`, { skip }, async () => {
      const site = await serve({
        mounts: { "/littoral/": indexes[from], "/js/": pkg },
        pages: {
          "/": page("<littoral-search inline worker=off limit=300></littoral-search>"),
          "/page.css": CSS,
          "/icon.ico": "",
        },
        headers: policy === undefined ? {} : { "content-security-policy": policy },
      });
      const context = await browser.newContext();
      const tab = await context.newPage();
      const complaints = [];
      tab.on("pageerror", ({ message }) => complaints.push(message));
      tab.on("dialog", (dialog) => {
        complaints.push(`dialog ${dialog.message()}`);
        void dialog.dismiss();
      });
      tab.on("console", (message) => {
        if (/Policy|Trusted|violates/.test(message.text())) complaints.push(message.text());
      });
      tab.on("request", (request) => {
        const { pathname, origin } = new URL(request.url());
        const isOwn = /^\/($|js\/|littoral\/|page\.css|icon\.ico)/.test(pathname) && origin === site.origin;
        if (!isOwn) complaints.push(`request ${request.url()}`);
      });
      await tab.goto(site.origin);
      await tab.waitForFunction("customElements.get('littoral-search')");
      const ask = (query) =>
        tab.evaluate(async (query) => {
          const search = document.querySelector("littoral-search");
          search.value = "";
          const answered = new Promise((resolve) => {
            for (const name of ["littoral-result", "littoral-error"]) {
              search.addEventListener(name, ({ type, detail }) => resolve(type === "littoral-error" ? detail.code : ""), { once: true });
            }
          });
          search.value = query;
          if (search.value.trim() === "") return "";
          const code = await answered;
          const all = [...search.shadowRoot.querySelectorAll("*")];
          return {
            code,
            names: [...new Set(all.map(({ tagName }) => tagName.toUpperCase()))],
            handlers: all.filter((each) => [...each.attributes].some(({ name }) => /^on|^style$|^srcdoc$/.test(name))).length,
            protocols: [...new Set(all.filter(({ href }) => typeof href === "string").map(({ protocol }) => protocol))],
            options: search.shadowRoot.querySelectorAll("[role=option]").length,
          };
        }, query);
      const check = ({ names, handlers, protocols }) => {
        assert.deepEqual(names.filter((name) => !OWN.split(" ").includes(name)), []);
        assert.equal(handlers, 0);
        assert.deepEqual(protocols.filter((protocol) => !["http:", "https:"].includes(protocol)), []);
      };
      const shown = await ask("canary");
      assert.equal(shown.options > 250, true, `${shown.options} options`);
      check(shown);
      const codes = new Set();
      for (const payload of PAYLOADS) {
        const answer = await ask(payload);
        codes.add(answer.code);
        check(answer);
      }
      // A query may ask for a field that is not there, and nothing else may go wrong.
      assert.deepEqual([...codes].filter((code) => code !== "" && code !== "unknown-field"), []);
      assert.equal(await tab.evaluate(() => globalThis.ran), undefined);
      assert.deepEqual(complaints, []);
      await context.close();
      site.close();
    });
  }
}

test("the files that are shipped have no way to parse HTML or text as code", async () => {
  const { readFile } = await import("node:fs/promises");
  const sinks = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc|\beval\(|new Function|\.cssText|setAttribute\("style/;
  for (const name of ["element.js", "element-languages.js", "index.js", "worker.js", "inline.js", "rest.js", "llm.js", "answers.js"]) {
    assert.doesNotMatch(await readFile(`${pkg}${name}`, "utf8"), sinks, name);
  }
});
