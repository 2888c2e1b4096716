// An answer that a language model writes: asked for with passages, and held against them as it comes.

import type { FullGlue } from "./engine.js";
import type { AnswerSentence, Citation, ContextPassage, Note } from "./types.js";

/** One that is being written. */
export interface Writing {
  reply: InstanceType<FullGlue["Reply"]>;
  passages: ContextPassage[];
  citedUrl: FullGlue["citedUrl"];
}

export interface Message {
  role: "system" | "user";
  content: string;
}

/** What a model is told, and the number of what it will write. */
export interface Prompt {
  writing: number;
  messages: Message[];
}

/** Sentences that are complete and were looked at. */
export type Sentences = AnswerSentence[];

/** The end of an answer: the sentences left, and all that is cited. */
export interface Rest {
  sentences: Sentences;
  citations: Citation[];
  notes: Note[];
}
