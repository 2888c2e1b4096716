//! Searches the index in `index/` with the component beside it: `cargo run -- high water`.

mod host;

/// The world of `wit/` in Rust.
mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "retrieval" });
}

fn main() -> wasmtime::Result<()> {
    let query: Vec<String> = std::env::args().skip(1).collect();
    let engine = host::engine()?;
    let component = wasmtime::component::Component::from_file(&engine, "littoral.wasm")?;
    let mut index = host::Index::open(&engine, &component, "index")?;
    print!("{}", index.search(&query.join(" "))?);
    Ok(())
}
