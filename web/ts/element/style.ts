// The looks. Every colour follows `color-scheme`, which is the page's unless `theme` says otherwise;
// sites change the custom properties, or style the parts.

const SHARED = `
:host {
  --accent: var(--littoral-accent, light-dark(#0b5fbf, #7db8ff));
  --text: var(--littoral-text, light-dark(#1b1f24, #e8eaed));
  --muted: var(--littoral-muted, light-dark(#57606a, #a3abb5));
  --surface: var(--littoral-surface, light-dark(#ffffff, #1a1d21));
  --raised: var(--littoral-raised, light-dark(#f3f5f8, #262a30));
  --border: var(--littoral-border, light-dark(#d0d7de, #3a4048));
  --mark: var(--littoral-mark, light-dark(#fff0b8, #574809));
  --radius: var(--littoral-radius, 10px);
  font: var(--littoral-font, 16px/1.5 system-ui, sans-serif);
  color: var(--text);
  text-align: start;
  -webkit-text-size-adjust: 100%;
}
:host([theme="light"]) { color-scheme: light }
:host([theme="dark"]) { color-scheme: dark }
:host([theme="auto"]) { color-scheme: light dark }
:host([hidden]), [hidden] { display: none !important }
*, ::before, ::after { box-sizing: border-box }
button { font: inherit; color: inherit; cursor: pointer; background: none; border: 0; padding: 0; border-radius: 6px }
svg { inline-size: 20px; block-size: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; flex: none; display: block }
button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
`;

const BOX = `
.box { display: flex; align-items: center; gap: 10px; padding-inline: 12px; min-block-size: 44px; background: var(--surface); border: 1px solid var(--border); border-radius: var(--radius); color: var(--muted) }
.box:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent) }
input { flex: 1; min-inline-size: 0; font: inherit; font-size: max(16px, 1em); color: var(--text); background: none; border: 0; outline: 0; padding: 8px 0 }
input::placeholder { color: var(--muted); opacity: 1 }
`;

export const SEARCH = `${SHARED}${BOX}
:host { display: block; position: relative }
.clear { display: grid; place-items: center; inline-size: 28px; block-size: 28px; color: var(--muted) }
.clear svg { inline-size: 18px; block-size: 18px }
[dir="rtl"] .clear svg { transform: scaleX(-1) }
.box.busy > svg:first-child { animation: pulse 1s ease-in-out infinite alternate }
@keyframes pulse { to { opacity: .3 } }
.panel { display: flex; flex-direction: column; background: var(--surface); overflow: hidden }
:host(:not([inline])) .panel { position: absolute; z-index: var(--littoral-z, 100); inset-inline: 0; inset-block-start: calc(100% + 6px); min-inline-size: min(30rem, calc(100vw - 2rem)); max-block-size: min(36rem, 75vh); border: 1px solid var(--border); border-radius: var(--radius); box-shadow: 0 10px 30px rgb(0 0 0 / .18) }
:host([inline]) .panel { margin-block-start: 8px }
.scroll { overflow-y: auto; overscroll-behavior: contain; padding: 6px; min-block-size: 0 }
.bar { display: flex; flex-wrap: wrap; gap: 2px 12px; padding: 8px 16px 0; font-size: .8125em; color: var(--muted) }
.bar button, .message button, .past button { color: var(--accent); text-decoration: underline; text-underline-offset: 2px }
.filters { padding: 6px 16px 2px; display: flex; flex-direction: column; gap: 6px; max-block-size: 9.5em; overflow-y: auto; flex: none }
.filter { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; font-size: .8125em }
.key { color: var(--muted); min-inline-size: 4.5em }
.chip { display: inline-flex; gap: 6px; padding: 2px 10px; border: 1px solid var(--border); border-radius: 99px; max-inline-size: 100% }
.chip > :first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.chip .count { color: var(--muted) }
.chip:hover { background: var(--raised) }
.chip[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--surface) }
.chip[aria-pressed="true"] .count { color: inherit }
.option { display: block; padding: 8px 10px; border-radius: 8px; color: inherit; text-decoration: none; cursor: pointer; overflow-wrap: anywhere }
.option + .option, .group + .group { margin-block-start: 2px }
.option:hover { background: var(--raised) }
.option[aria-selected="true"] { background: var(--raised); box-shadow: inset 0 0 0 2px var(--accent) }
@media (forced-colors: active) { .option[aria-selected="true"] { outline: 2px solid Highlight } }
.title { display: block; font-weight: 600; color: var(--accent) }
.heading { display: block; font-size: .8125em; color: var(--muted) }
.excerpt { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; font-size: .875em }
.sub { margin-inline-start: 12px; padding-block: 5px; border-start-start-radius: 0; border-end-start-radius: 0; border-inline-start: 2px solid var(--border) }
.sub .title { font-size: .875em; font-weight: 500 }
.sub .excerpt { -webkit-line-clamp: 1; font-size: .8125em; color: var(--muted) }
mark { background: var(--mark); color: var(--text); border-radius: 3px; padding-inline: 1px }
.past { display: flex; justify-content: space-between; padding: 4px 10px; font-size: .8125em; color: var(--muted) }
.recent { display: flex; gap: 10px; align-items: center }
.recent svg { inline-size: 16px; block-size: 16px; color: var(--muted) }
.message { padding: 20px 16px; text-align: center; color: var(--muted) }
.message p { margin: 0 0 4px; overflow-wrap: anywhere }
.message .lead { color: var(--text); font-weight: 600 }
.more { display: block; inline-size: 100%; padding: 8px; color: var(--accent); font-size: .875em }
.more:hover { background: var(--raised) }
.heard { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
:host([embedded]), :host([embedded]) .whole { display: flex; flex-direction: column; min-block-size: 0; flex: 1 }
:host([embedded]) .box { border: 0; border-radius: 0; border-block-end: 1px solid var(--border); box-shadow: none; min-block-size: 56px; padding-inline: 16px 52px; flex: none }
:host([embedded]) .panel { margin: 0; min-block-size: 0; flex: 1 }
@media (prefers-reduced-motion: reduce) { .box.busy > svg:first-child { animation: none; opacity: .4 } }
`;

export const MODAL = `${SHARED}
:host { display: inline-block }
.trigger { display: flex; align-items: center; gap: 10px; min-block-size: 40px; padding: 6px 12px; background: var(--surface); border: 1px solid var(--border); border-radius: var(--radius); color: var(--muted) }
.trigger:hover { border-color: var(--accent) }
.trigger svg { inline-size: 18px; block-size: 18px }
kbd { font: inherit; font-size: .75em; padding: 0 6px; border: 1px solid var(--border); border-radius: 5px; background: var(--raised); color: var(--muted) }
dialog { padding: 0; border: 1px solid var(--border); border-radius: calc(var(--radius) + 4px); background: var(--surface); color: var(--text); inline-size: min(42rem, calc(100vw - 2rem)); max-inline-size: none; block-size: fit-content; max-block-size: min(80vh, 44rem); margin-block: 10vh auto; overflow: hidden; box-shadow: 0 20px 60px rgb(0 0 0 / .35) }
dialog[open] { display: flex; flex-direction: column }
dialog::backdrop { background: rgb(15 20 25 / .5) }
.close { position: absolute; inset-block-start: 11px; inset-inline-end: 12px; display: grid; place-items: center; inline-size: 34px; block-size: 34px; color: var(--muted); z-index: 1 }
.close:hover { background: var(--raised) }
@media (max-width: 640px) {
  dialog { inline-size: 100vw; block-size: 100dvh; max-block-size: none; margin: 0; border: 0; border-radius: 0 }
  kbd { display: none }
}
`;

export const ASK = `${SHARED}${BOX}
:host { display: block }
.whole { background: var(--surface); border-radius: var(--radius) }
.message, .answer, .sources { margin-inline: 14px }
.sources:not(:empty), .message:not(:empty):last-of-type { padding-block-end: 14px }
.box { padding-inline-end: 5px }
.send { padding: 4px 14px; min-block-size: 34px; background: var(--accent); color: var(--surface); font-weight: 600 }
.message { color: var(--muted) }
.message p { margin: 12px 0 0; overflow-wrap: anywhere }
.message .lead { color: var(--text); font-weight: 600 }
.retry { margin-block-start: 8px; color: var(--accent); text-decoration: underline; text-underline-offset: 2px }
.sentence { margin: 12px 0 0; overflow-wrap: anywhere }
.number { display: inline-block; min-inline-size: 1.6em; padding-inline: 4px; margin-inline-end: 3px; border: 1px solid var(--border); border-radius: 99px; background: var(--raised); color: var(--accent); font-size: .75em; line-height: 1.5; text-align: center; text-decoration: none }
.doubt { color: var(--muted); font-size: .8125em }
.sources { list-style: none; margin-block: 14px 0; padding: 0; border-block-start: 1px solid var(--border) }
.sources:empty { display: none }
.source { display: flex; gap: 10px; padding-block: 10px 0 }
.id { color: var(--muted); font-size: .8125em; min-inline-size: 1.2em }
.source > div { min-inline-size: 0; overflow-wrap: anywhere }
.title { display: block; color: var(--accent); font-weight: 600; font-size: .875em; text-decoration: none }
.title:hover, .number:hover { text-decoration: underline }
.quote { display: block; color: var(--muted); font-size: .8125em }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px }
`;
