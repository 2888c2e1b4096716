// What the pages of browser.test.mjs load, by the addresses of files: no bundler is between.
import * as littoral from "/js/index.js";
import * as pagefind from "/js/pagefind.js";

Object.assign(globalThis, { littoral, pagefind });
