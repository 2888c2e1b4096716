//! What a bundle is for, and what it holds beside the engine and the index.

use super::{Bundle, BundleError, failed};
use crate::serve::OPENAPI;
use crate::web::{FILES, SERVER_FILES, based};
use serde_json::json;
use std::fs;
use std::path::Path;

/// The component for WASI-HTTP in the package.
const WASI: &str = "littoral-wasi.wasm";

/// The component of the world `littoral:retrieval` in the package.
const COMPONENT: &str = "littoral-component.wasm";

/// What a bundle with that component has beside it.
const HOST_FILES: [&str; 4] = ["README.md", "Cargo.toml", "src/main.rs", "src/host.rs"];

/// The world, in the package and in the bundle.
const WORLD: [&str; 3] = ["wit/world.wit", "wit/host.wit", "wit/index.wit"];

/// A platform that runs the engine in a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// Cloudflare Workers.
    Cloudflare(Store),
    /// Deno.
    Deno,
    /// Bun.
    Bun,
    /// Node.js.
    Node,
}

/// Where a Cloudflare Worker keeps the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// Among its static assets.
    Assets,
    /// In an R2 bucket.
    R2,
    /// In a KV namespace.
    Kv,
}

/// A server that a bundle is.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it runs.
    pub(crate) platform: Platform,
    /// What the index and the project are called: lower-case letters, digits and hyphens.
    pub(crate) name: String,
    /// Whether callers need a signed token.
    pub(crate) needs_token: bool,
}

/// What a bundle is for.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A search page; addresses of documents are relative to `base`.
    Browser {
        /// Where the documents are.
        base: String,
    },
    /// A server.
    Server(Server),
    /// A component for WASI-HTTP; the index is called `name`.
    Wasi {
        /// What the index and the project are called: lower-case letters, digits and hyphens.
        name: String,
    },
    /// A component for hosts of one's own.
    Component,
}

impl Target {
    /// Its name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Browser { .. } => "browser",
            Self::Server(server) => server.platform.name(),
            Self::Wasi { .. } => "wasi",
            Self::Component => "component",
        }
    }

    /// The folder of the index within the bundle.
    pub(super) fn index_folder(&self) -> &'static str {
        match self {
            Self::Browser { .. } => "littoral",
            Self::Wasi { .. } | Self::Component => "index",
            Self::Server(server) => match server.platform {
                Platform::Cloudflare(Store::Assets) => "public/littoral",
                _ => "index",
            },
        }
    }

    /// Files of the package that it loads.
    pub(super) fn package_files(&self) -> Vec<&'static str> {
        match self {
            Self::Browser { .. } => FILES.to_vec(),
            Self::Wasi { .. } | Self::Component => Vec::new(),
            Self::Server(server) => {
                let own: &[&str] = match server.platform {
                    Platform::Cloudflare(_) => &["workerd.js"],
                    _ => &["node.js", "encoder.js", "littoral-encoder.wasm"],
                };
                [&SERVER_FILES[..], own].concat()
            }
        }
    }
}

impl Platform {
    fn name(self) -> &'static str {
        match self {
            Self::Cloudflare(_) => "cloudflare",
            Self::Deno => "deno",
            Self::Bun => "bun",
            Self::Node => "node",
        }
    }
}

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Assets => "assets",
            Self::R2 => "r2",
            Self::Kv => "kv",
        }
    }
}

impl Bundle {
    /// What the target has beside the engine and the index, whose embedder is `embedder`.
    pub(super) fn around(
        &mut self,
        target: &Target,
        package: &Path,
        embedder: &str,
    ) -> Result<(), BundleError> {
        match target {
            Target::Browser { base } => self.pages(&package.join("pages"), base),
            Target::Wasi { name } => self.wasi(package, name),
            Target::Component => self.component(package),
            Target::Server(server) => self.project(server, &package.join("templates"), embedder),
        }
    }

    fn component(&mut self, package: &Path) -> Result<(), BundleError> {
        self.module(package, COMPONENT)?;
        for file in WORLD {
            self.copy(&package.join(file), file)?;
        }
        let templates = package.join("templates").join("component");
        HOST_FILES
            .into_iter()
            .try_for_each(|file| self.copy(&templates.join(file), file))
    }

    /// Copies a component of the package, which one of another version does not have.
    fn module(&mut self, package: &Path, name: &str) -> Result<(), BundleError> {
        let path = package.join(name);
        if !path.is_file() {
            return Err(BundleError::Page { path });
        }
        self.copy(&path, "littoral.wasm")
    }

    fn wasi(&mut self, package: &Path, name: &str) -> Result<(), BundleError> {
        self.module(package, WASI)?;
        let readme = package.join("templates").join("wasi").join("README.md");
        let text = fs::read_to_string(&readme).map_err(failed("read", &readme))?;
        self.put(
            "README.md",
            text.replace("=NAME", &format!("={name}")).as_bytes(),
        )?;
        self.put("spin.toml", spin(name).as_bytes())
    }

    fn pages(&mut self, pages: &Path, base: &str) -> Result<(), BundleError> {
        for file in ["page.css", "icon.svg"] {
            self.copy(&pages.join(file), file)?;
        }
        let path = pages.join("search.html");
        let page = fs::read_to_string(&path).map_err(failed("read", &path))?;
        let Some(page) = based(&page, base) else {
            return Err(BundleError::Page { path });
        };
        self.put("index.html", page.as_bytes())
    }

    fn project(
        &mut self,
        server: &Server,
        templates: &Path,
        embedder: &str,
    ) -> Result<(), BundleError> {
        let from = templates.join(server.platform.name());
        let files: &[&str] = match server.platform {
            Platform::Cloudflare(Store::Assets) => &["worker.js"],
            Platform::Cloudflare(_) => &["worker.js", "upload.js"],
            Platform::Deno => &["server.js", "deno.json"],
            Platform::Bun | Platform::Node => &["server.js"],
        };
        for file in files.iter().chain(&["README.md"]) {
            self.copy(&from.join(file), file)?;
        }
        let store = match server.platform {
            Platform::Cloudflare(store) => Some(store),
            _ => None,
        };
        let config = json!({
            "name": server.name,
            "access": if server.needs_token { "token" } else { "open" },
            "store": store.map(Store::name),
            "about": {
                "version": env!("CARGO_PKG_VERSION"),
                "host": server.platform.name(),
                "embedder": embedder,
            },
        });
        self.put(
            "config.js",
            format!("export default {config:#};\n").as_bytes(),
        )?;
        let openapi = format!("export default {};\n", OPENAPI.trim());
        self.put("openapi.js", openapi.as_bytes())?;
        if let Some(store) = store {
            let wrangler = wrangler(&server.name, store);
            self.put("wrangler.json", format!("{wrangler:#}\n").as_bytes())?;
        }
        let mut manifest = json!({"name": server.name, "private": true, "type": "module"});
        if matches!(server.platform, Platform::Bun | Platform::Node) {
            manifest["scripts"] = json!({"start": format!("{} server.js", server.platform.name())});
        }
        self.put("package.json", format!("{manifest:#}\n").as_bytes())
    }
}

/// What Spin is told.
fn spin(name: &str) -> String {
    format!(
        r#"spin_manifest_version = 2

[application]
name = "{name}"
version = "0.1.0"

[[trigger.http]]
route = "/..."
component = "{name}"

[component.{name}]
source = "littoral.wasm"
files = [{{ source = "index", destination = "/index" }}]
environment = {{ LITTORAL_NAME = "{name}" }}
"#
    )
}

/// What Cloudflare's program is told.
fn wrangler(name: &str, store: Store) -> serde_json::Value {
    let mut told = json!({
        "name": name,
        "main": "worker.js",
        "compatibility_date": "2026-04-01",
        "observability": {"enabled": true},
    });
    match store {
        // Without the Worker in front, anybody could fetch the index past its filters.
        Store::Assets => {
            told["assets"] =
                json!({"directory": "public", "binding": "ASSETS", "run_worker_first": true});
        }
        Store::R2 => told["r2_buckets"] = json!([{"binding": "INDEX", "bucket_name": name}]),
        Store::Kv => told["kv_namespaces"] = json!([{"binding": "INDEX"}]),
    }
    told
}
