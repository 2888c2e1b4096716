//! Indexes and their documents as resources: `littoral://INDEX` says what an index is,
//! `littoral://INDEX/DOCUMENT` is a document's text.

use super::{INTERNAL_ERROR, INVALID_PARAMS, RESOURCE_NOT_FOUND, Wrong, named};
use crate::sandbox::SandboxError;
use crate::serve::{Readable, Tenant};
use littoral_guest::engine::MAX_CHUNKS_READ;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use std::sync::Arc;

const SCHEME: &str = "littoral://";

/// Longest address in bytes.
const MAX_URI_BYTES: usize = 8 << 10;

/// Bytes of a document's text, after which `read_passages` reads on.
const MAX_DOCUMENT_BYTES: usize = 256 << 10;

/// Each index as a resource. Documents are too many to be listed: a search finds them.
pub(super) fn list(indexes: &Readable<'_>) -> Value {
    let resource = |tenant: &&Arc<Tenant>| {
        let opened = tenant.opened();
        json!({
            "uri": uri(tenant.name()),
            "name": tenant.name(),
            "description": format!("{} documents in {} passages", opened.documents, opened.chunks),
            "mimeType": "application/json"
        })
    };
    indexes.all().iter().map(resource).collect()
}

/// How the address of a document is made.
pub(super) fn templates(indexes: &Readable<'_>) -> Value {
    let template = |tenant: &&Arc<Tenant>| {
        json!({
            "uriTemplate": format!("{}/{{+document}}", uri(tenant.name())),
            "name": format!("{}: a document", tenant.name()),
            "description": "The text of a document, by its id as a search gives it",
            "mimeType": "text/plain"
        })
    };
    indexes.all().iter().map(template).collect()
}

/// The index that the resource asked for is of.
pub(super) fn index(parameters: &Value) -> Option<String> {
    let rest = parameters["uri"].as_str()?.strip_prefix(SCHEME)?;
    decoded(rest.split('/').next()?)
}

/// A resource.
pub(super) fn read(indexes: &Readable<'_>, parameters: &Value) -> Result<Value, Wrong> {
    let Some(asked) = parameters["uri"].as_str() else {
        return Err((INVALID_PARAMS, "there is no uri".to_owned()));
    };
    if asked.len() > MAX_URI_BYTES {
        let message = format!("a uri may have {MAX_URI_BYTES} bytes");
        return Err((INVALID_PARAMS, message));
    }
    let none = || {
        (
            RESOURCE_NOT_FOUND,
            format!("there is no resource {asked:?}"),
        )
    };
    let rest = asked.strip_prefix(SCHEME).ok_or_else(none)?;
    let (index, document) = match rest.split_once('/') {
        Some((index, document)) => (decoded(index).ok_or_else(none)?, Some(document)),
        None => (decoded(rest).ok_or_else(none)?, None),
    };
    let tenant = named(indexes, Some(&index)).map_err(|_| none())?;
    let (kind, text) = match document {
        Some(document) => {
            let id = decoded(document).ok_or_else(none)?;
            let text = whole(tenant, &id)
                .map_err(|error| (INTERNAL_ERROR, format!("{error} ({})", error.code())))?;
            ("text/plain", text.ok_or_else(none)?)
        }
        None => ("application/json", described(tenant)),
    };
    Ok(json!({"contents": [{"uri": asked, "mimeType": kind, "text": text}]}))
}

fn described(tenant: &Tenant) -> String {
    let opened = tenant.opened();
    json!({
        "name": tenant.name(),
        "documents": opened.documents,
        "chunks": opened.chunks,
        "embedder": opened.embedder,
        "build": opened.build
    })
    .to_string()
}

/// The text of a document; says so where it ends before the document does.
fn whole(tenant: &Tenant, id: &str) -> Result<Option<String>, SandboxError> {
    let (mut text, mut first, mut n_chunks) = (String::new(), 0, 1);
    while first < n_chunks && text.len() < MAX_DOCUMENT_BYTES {
        let Some(read) = tenant.read(id, first, MAX_CHUNKS_READ)? else {
            return Ok(None);
        };
        if first == 0 {
            text.push_str(&read.document.title);
            text.push('\n');
        }
        n_chunks = read.n_chunks;
        if read.chunks.is_empty() {
            break;
        }
        for chunk in &read.chunks {
            text.push('\n');
            text.push_str(&chunk.text);
            text.push('\n');
            first = chunk.id + 1;
        }
    }
    if first < n_chunks {
        let left = n_chunks - first;
        text.push_str(&format!(
            "\n({left} more passages; read_passages reads on from passage {first})\n"
        ));
    }
    Ok(Some(text))
}

/// The address of an index.
fn uri(index: &str) -> String {
    format!("{SCHEME}{}", utf8_percent_encode(index, NON_ALPHANUMERIC))
}

fn decoded(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}
