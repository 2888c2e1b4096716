//! What it takes to turn a query into a vector by the query table of an index, for the bench.
//!
//! `table INDEX QUERIES` reads the table of the index in the folder INDEX and a query a line; prints
//! one JSON object: the mean of microseconds a query, with the blocks of its words decoded already
//! (`warm`) and with decoding them (`cold`), and what a query reads.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the bench, not of the product"
)]

use littoral_guest::table::{blocks_of, encode, words};
use littoral_indexes::envelope::{BlockId, Kind, SegmentId, open};
use littoral_indexes::manifest::Manifest;
use littoral_indexes::table::{TableBlock, TableShape};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Times that all queries are encoded.
const ROUNDS: u32 = 20;

/// The payloads of the blocks of a table, by number.
fn payloads(folder: &Path, segment: SegmentId, shape: TableShape) -> Vec<Vec<u8>> {
    let block = |number| BlockId {
        segment,
        kind: Kind::Table,
        number,
    };
    let read = |number| {
        let file = fs::read(folder.join(block(number).path())).unwrap();
        open(block(number), &file).unwrap().to_vec()
    };
    (0..shape.n_blocks).map(read).collect()
}

/// Microseconds a query takes in `of`, on average.
fn micros(queries: &[&str], of: impl Fn(&str) -> u32) -> f64 {
    let mut known = 0;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for query in queries {
            known += of(black_box(query));
        }
    }
    black_box(known);
    start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS) / queries.len() as f64
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(&arguments[0]);
    let text = fs::read_to_string(&arguments[1]).unwrap();
    let queries: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let (manifest, _) = Manifest::read(&fs::read(folder.join("littoral.json")).unwrap()).unwrap();
    let vectors = manifest.segments.iter().find_map(|s| s.vectors.as_ref());
    let (segment, table) = vectors.unwrap().table.unwrap();
    let shape = table.shape;
    let payloads = payloads(folder, SegmentId(segment), shape);
    let decode = |number: u32| TableBlock::read(&payloads[number as usize], shape).unwrap();
    let decoded: Vec<TableBlock> = (0..shape.n_blocks).map(decode).collect();

    let warm = micros(&queries, |query| {
        let words = words(query);
        encode(shape, &words, |number| decoded.get(number as usize)).n_found
    });
    let cold = micros(&queries, |query| {
        let words = words(query);
        let numbers = blocks_of(shape, &words);
        let blocks: Vec<TableBlock> = numbers.iter().map(|&n| decode(n)).collect();
        let block = |number| Some(&blocks[numbers.iter().position(|&n| n == number)?]);
        encode(shape, &words, block).n_found
    });
    let (mut n_words, mut bytes) = (0, 0);
    for query in &queries {
        let words = words(query);
        n_words += words.len();
        let read = blocks_of(shape, &words).into_iter();
        bytes += read.map(|n| payloads[n as usize].len()).sum::<usize>();
    }
    let n = queries.len() as f64;
    println!(
        "{{\"queries\":{n},\"words\":{:.1},\"bytes\":{:.0},\"dims\":{},\"warm_us\":{warm:.1},\"cold_us\":{cold:.1}}}",
        n_words as f64 / n,
        bytes as f64 / n,
        shape.dims
    );
}
