// Search for a page by a tag:
//
//   <script type="module" src="/littoral/element.js"></script>
//   <littoral-modal src="/littoral/"></littoral-modal>
//
// `<littoral-search>` is a box in the page, `<littoral-modal>` a dialog behind a button, mod+K and `/`,
// `<littoral-ask>` a box for questions with answers that lead to their sources.
// Trees are built of elements and text; no HTML is ever parsed, so any policy for scripts, trusted
// types and styles may stand.

import { LittoralAsk } from "./element/ask.js";
import { LittoralModal } from "./element/modal.js";
import { LittoralSearch } from "./element/search.js";

export { markedNodes } from "./element/marked.js";
export { addTexts, type Texts } from "./element/texts.js";
export { LittoralAsk, LittoralModal, LittoralSearch };

if (globalThis.customElements !== undefined && customElements.get("littoral-search") === undefined) {
  customElements.define("littoral-search", LittoralSearch);
  customElements.define("littoral-modal", LittoralModal);
  customElements.define("littoral-ask", LittoralAsk);
}

declare global {
  interface HTMLElementTagNameMap {
    "littoral-search": LittoralSearch;
    "littoral-modal": LittoralModal;
    "littoral-ask": LittoralAsk;
  }
}
