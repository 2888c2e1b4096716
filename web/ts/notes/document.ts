// From a page's objects to documents, by the roles of their properties.

import { fault } from "../error.js";
import type { NoteDocument, Role, Schema } from "./types.js";

/** A document as the engine takes it. */
export interface NoteRecord {
  id: string;
  title: string;
  text: string;
  url: string;
  lang: string | null;
  meta: Record<string, string>;
  filters: Record<string, string[]>;
  sort: Record<string, string>;
}

export const DEFAULT: Schema = {
  id: "id",
  title: "title",
  text: "text",
  url: "url",
  lang: "lang",
  tags: "filter",
};

const ROLES: ReadonlySet<Role> = new Set<Role>(["id", "title", "text", "url", "lang", "meta", "filter", "sort"]);

/** Refuses a schema with a role that there is none of. */
export function checkSchema(schema: Schema): void {
  for (const [property, role] of Object.entries(schema)) {
    if (!ROLES.has(role)) {
      throw fault("bad-option", `the schema gives "${property}" the role "${role}"; there are ${[...ROLES].join(", ")}`);
    }
  }
}

/** A value as text. */
function textOf(property: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Date) return value.toISOString();
  throw fault("bad-document", `"${property}" is neither text nor a number, boolean or date`);
}

/** The record of a document; one without an id gets one. */
export function recordOf(schema: Schema, document: NoteDocument): NoteRecord {
  const record: NoteRecord = { id: "", title: "", text: "", url: "", lang: null, meta: {}, filters: {}, sort: {} };
  const texts = new Map<string, string>();
  for (const [property, value] of Object.entries(document)) {
    const role = Object.hasOwn(schema, property) ? schema[property] : undefined;
    if (role === undefined) throw fault("bad-document", `"${property}" is not in the schema`);
    if (value === undefined || value === null) continue;
    if (role === "filter") record.filters[property] = [value].flat().map((each) => textOf(property, each));
    else if (role === "meta") record.meta[property] = textOf(property, value);
    else if (role === "sort") record.sort[property] = textOf(property, value);
    else if (role === "text") texts.set(property, textOf(property, value));
    else record[role] = textOf(property, value);
  }
  record.text = Object.keys(schema).flatMap((property) => texts.get(property) ?? []).join("\n\n");
  if (record.text.trim() === "" && record.title.trim() === "") {
    throw fault("bad-document", "a document needs a title or a text");
  }
  record.id ||= crypto.randomUUID();
  record.url ||= record.id;
  return record;
}
