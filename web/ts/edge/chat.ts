// Answers in the shape of OpenAI's chat completions, as `littoral serve` gives them: passages come first,
// in a stream as `chunks` of its first event, before any of the answer.

import { estimateTokens } from "../context.js";
import type { Answer, AnswerSentence } from "../types.js";

/** What a reply is called where no model writes it. */
const QUOTED = "littoral-extractive";

/** The parts of a reply that all its events share. */
export class Head {
  readonly #id: string;
  readonly #created = Math.floor(Date.now() / 1000);

  constructor(id: string) {
    this.#id = `chatcmpl-${id}`;
  }

  /** The whole reply. */
  whole(answer: Answer): Record<string, unknown> {
    const content = contentOf(answer);
    const [asked, written] = [estimateTokens(answer.question), estimateTokens(content)];
    return {
      ...this.#head("chat.completion"),
      chunks: answer.citations,
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: asked, completion_tokens: written, total_tokens: asked + written },
      answer,
    };
  }

  /** The reply as a stream of events. */
  stream(answer: Answer): string {
    const parts = answer.abstained ? [contentOf(answer)] : answer.sentences.map(cited);
    const events = [
      { ...this.#event({ role: "assistant", content: "" }), chunks: answer.citations },
      ...parts.map((part, i) => this.#event({ content: i === 0 ? part : `\n${part}` })),
      { ...this.#event({}, "stop"), answer },
    ];
    return [...events.map((event) => JSON.stringify(event)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
  }

  #head(object: string) {
    return { id: this.#id, object, created: this.#created, model: QUOTED };
  }

  #event(delta: object, finish: string | null = null) {
    return { ...this.#head("chat.completion.chunk"), choices: [{ index: 0, delta, finish_reason: finish }] };
  }
}

/** A sentence as a reply has it, with its citations. */
const cited = ({ text, citations }: AnswerSentence) => `${text} ${citations.map((id) => `[${id}]`).join("")}`;

const contentOf = ({ abstained, sentences }: Answer) =>
  abstained ? "Not found in these documents." : sentences.map(cited).join("\n");
