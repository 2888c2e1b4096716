// From a question to an answer: quoted from the documents, or written by a language model and held to them.

import { DEFAULT_TOKENS, forContext, pack } from "./context.js";
import type { Engine } from "./engine.js";
import type { Answer, AnswerSentence, AskOptions } from "./types.js";

/** Calls the engine, with the caller's signal. */
type Call = <T>(asked: (engine: Engine) => Promise<T>) => Promise<T>;

/** Sentences as they come, then the whole. A model is asked only where the evidence reaches what it has
 * to be; what it writes comes out sentence by sentence, each looked at. */
export async function* ask(call: Call, question: string, options: AskOptions): AsyncGenerator<AnswerSentence, Answer> {
  const { llm, sentences, threshold, signal, ...asked } = options;
  const quoted = await call((engine) => engine.answer(question, asked, { sentences, threshold }));
  const { evidence } = quoted;
  if (llm === undefined) {
    yield* quoted.sentences;
    return quoted;
  }
  const answer: Answer = { ...quoted, answer: "", abstained: true, sentences: [], citations: [] };
  if (evidence.score >= evidence.threshold) {
    const found = await call((engine) => engine.search(question, forContext(asked)));
    const { passages, notes } = pack(found, llm.maxTokens ?? DEFAULT_TOKENS);
    const { streamed } = await import("./llm.js");
    const { writing, messages } = await call((engine) => engine.draft(question, passages, sentences));
    try {
      for await (const piece of streamed(llm, messages, signal)) {
        for (const sentence of await call((engine) => engine.push(writing, piece))) {
          answer.sentences.push(sentence);
          yield sentence;
        }
      }
      const rest = await call((engine) => engine.finish(writing));
      answer.sentences.push(...rest.sentences);
      answer.citations = rest.citations;
      answer.notes = [...notes, ...rest.notes];
      yield* rest.sentences;
    } finally {
      // Whoever closed the index, or went away, needs no answer to this.
      call((engine) => engine.drop(writing)).catch(() => undefined);
    }
    answer.abstained = answer.sentences.length === 0;
    if (answer.abstained) answer.notes.push({ code: "not-found", message: "not found in these documents" });
  }
  answer.answer = answer.sentences.map(({ text }) => text).join(" ");
  return answer;
}
