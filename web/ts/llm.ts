// Asks a language model behind an OpenAI-compatible endpoint, and reads what it sends within bounds, with
// the program's error codes (`runtime/src/llm`): the endpoint is a stranger.

import { fault, isFault } from "./error.js";
import type { Llm } from "./types.js";
import type { Message } from "./writing.js";

/** Tokens that are asked for; a quarter more pieces may come. */
const MAX_TOKENS = 512;
/** Bytes of an answer as sent. */
const MAX_BYTES = 1 << 20;
/** How long the whole may take, and how long no piece of it may come, in milliseconds. */
const [TOTAL_MS, SILENCE_MS] = [60_000, 10_000];
/** How often it is asked while it is busy, and the pause before the second try, twice as long each time. */
const [TRIES, PAUSE_MS] = [3, 500];
/** Characters of a refusal that are shown. */
const MAX_SAID = 200;

/** The pieces of what the model says to `messages`. */
export async function* streamed(llm: Llm, messages: Message[], signal?: AbortSignal): AsyncGenerator<string> {
  const address = endpoint(llm);
  const own = new AbortController();
  const stop = () => own.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", stop);
  const { timeoutMs: total = TOTAL_MS, silenceMs: quiet = SILENCE_MS } = llm;
  const late = (code: string, message: string) => own.abort(fault(code, message));
  const end = setTimeout(() => late("llm-too-slow", `the answer was not complete after ${total / 1000} s`), total);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(silence);
    const message = `the endpoint gave no piece of an answer for ${quiet / 1000} s`;
    silence = setTimeout(() => late("llm-silent", message), quiet);
  };
  try {
    heard();
    let pieces = 0;
    for await (const piece of said(await asked(llm, address, messages, own.signal))) {
      heard();
      pieces += 1;
      if (pieces > MAX_TOKENS * 1.25) {
        throw fault("llm-too-long", `the endpoint goes on after ${pieces} pieces; ${MAX_TOKENS} tokens were asked for`);
      }
      if (piece !== "") yield piece;
    }
  } catch (thrown) {
    // Of what broke because it was stopped, why it was stopped.
    throw own.signal.aborted ? own.signal.reason : thrown;
  } finally {
    clearTimeout(end);
    clearTimeout(silence);
    signal?.removeEventListener("abort", stop);
    own.abort();
  }
}

/** Where requests go. */
function endpoint({ url, key }: Llm): URL {
  const wrong = (reason: string) => fault("llm-address", `"${url}" is no address of an endpoint: ${reason}`);
  let address: URL;
  try {
    address = new URL(url, globalThis.location?.href);
  } catch {
    throw wrong("it cannot be read");
  }
  if (!/^https?:$/.test(address.protocol)) throw wrong("it starts with neither http:// nor https://");
  if (address.username !== "" || address.password !== "") {
    throw fault("llm-address", "a name or password in the address of an endpoint would be seen by others");
  }
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(address.hostname);
  if (key !== undefined && address.protocol === "http:" && !isLoopback) {
    throw fault("llm-key-in-the-clear", `the key would go to ${address.hostname} unencrypted`);
  }
  const path = address.pathname.replace(/\/+$/, "");
  if (!path.endsWith("/chat/completions")) {
    address.pathname = path === "" ? "/v1/chat/completions" : `${path}/chat/completions`;
  }
  return address;
}

/** The answer of the endpoint once it has one. */
async function asked(llm: Llm, address: URL, messages: Message[], signal: AbortSignal): Promise<Response> {
  const { fetch = globalThis.fetch, model, key } = llm;
  const body = JSON.stringify({ model, messages, stream: true, temperature: 0, max_tokens: MAX_TOKENS });
  const headers: Record<string, string> = { "content-type": "application/json", accept: "text/event-stream" };
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
  const init: RequestInit = { method: "POST", headers, body, signal, redirect: "manual" };
  // A page's cookies and address are nobody's business.
  Object.assign(init, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" });
  for (let tries = 1; ; tries += 1) {
    let response: Response;
    try {
      response = await fetch(address, init);
    } catch (cause) {
      throw fault("llm-unreachable", `${address.host} cannot be reached: ${(cause as Error).message}`, { cause });
    }
    const { status, type } = response;
    if (type === "opaqueredirect" || (status >= 300 && status < 400)) {
      throw fault("llm-redirect", "the endpoint answers with a redirect, which is not followed");
    }
    if (status === 200) return response;
    const told = await response.text().catch(() => "");
    if (status !== 429 && status < 500) {
      const text = key === undefined ? told : told.replaceAll(key, "…");
      throw fault("llm-refused", `the endpoint refuses with the status ${status}: ${text.slice(0, MAX_SAID)}`);
    }
    if (tries === TRIES) throw fault("llm-busy", `the endpoint answers with the status ${status}, after ${tries} tries`);
    await new Promise<void>((resolve, reject) => {
      setTimeout(resolve, PAUSE_MS * 2 ** (tries - 1));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}

interface Choice {
  delta?: { content?: string | null; reasoning_content?: string | null; reasoning?: string | null };
  message?: { content?: string | null };
  finish_reason?: string | null;
}

/** The pieces of an answer, streamed or whole; an empty one for each thought. */
async function* said(response: Response): AsyncGenerator<string> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  let [rest, isComplete] = ["", false];
  for await (const text of texts(response)) {
    rest += text;
    if (!isStream) continue;
    const events = rest.split(/\r?\n\r?\n/);
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = dataOf(event);
      if (data === "[DONE]") return;
      if (data === "") continue;
      const { delta, finish_reason } = choice(data);
      if (delta?.content) yield delta.content;
      else if (delta?.reasoning_content ?? delta?.reasoning) yield "";
      isComplete ||= Boolean(finish_reason);
    }
  }
  if (isStream) {
    if (!isComplete) throw fault("llm-cut-off", "the answer was cut off");
    return;
  }
  const content = choice(rest).message?.content;
  if (typeof content !== "string") throw bad("it has no message");
  yield content;
}

const bad = (reason: string) => fault("llm-bad-reply", `the endpoint sent no proper answer: ${reason}`);

/** The texts of a body as they come. */
async function* texts(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let n = 0;
  try {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      n += part.value.length;
      if (n > MAX_BYTES) throw fault("llm-too-large", `the endpoint sent more than ${MAX_BYTES} bytes`);
      yield decoder.decode(part.value, { stream: true });
    }
    yield decoder.decode();
  } catch (thrown) {
    throw thrown instanceof TypeError && !isFault(thrown) ? bad("it is not in UTF-8, or broke off") : thrown;
  } finally {
    reader?.cancel().catch(() => undefined);
  }
}

function dataOf(event: string): string {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

function choice(json: string): Choice {
  let reply: { choices?: Choice[]; error?: unknown };
  try {
    reply = JSON.parse(json) as typeof reply;
  } catch (cause) {
    throw bad((cause as Error).message);
  }
  if (reply?.error !== undefined && reply.error !== null) {
    const told = (reply.error as { message?: unknown }).message ?? reply.error;
    throw fault("llm-refused", `the endpoint refuses: ${String(told).slice(0, MAX_SAID)}`);
  }
  return (Array.isArray(reply?.choices) ? reply.choices[0] : undefined) ?? {};
}
