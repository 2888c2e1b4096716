//! What goes wrong in the component: errors with their place and their cure, as the native engine's, and
//! bounds on memory and time that end one instance and no other.
#![expect(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::engine::EngineError;
use littoral_guest::{HostError, Index, SearchOptions};
use littoral_indexes::IndexError;
use littoral_indexes::error::Section;
use littoral_tests::component::{
    Files, Opened, as_json, asked, assert_same_error, compiled, native, wit,
};
use littoral_tests::encoder::{TOY, embed};
use littoral_tests::sample;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use wasmtime::{StoreLimitsBuilder, Trap};

/// The index of `files`, open in an instance.
fn open(files: Files) -> Opened {
    compiled().open(files).unwrap().unwrap()
}

#[test]
fn a_damaged_or_missing_file_is_an_error_with_its_place() {
    let stored = sample::stored();
    let query = "tide table for a harbour";
    let mut n_refused = 0;
    for (n, place) in stored.files.keys().enumerate() {
        for gone in [false, true] {
            let mut changed = stored.clone();
            if gone {
                changed.files.remove(place);
            } else {
                let mut file = stored.files[place].to_vec();
                let at = (n * 7919) % file.len();
                file[at] ^= 1 << (n % 8);
                changed.files.insert(*place, file.into());
            }
            let what = format!("{} gone: {gone}", place.path());
            let expected = pollster::block_on(async {
                let index = Index::open(changed.host()).await?;
                index.search(query, &SearchOptions::default()).await
            });
            let files = Files {
                encoder: Some((TOY, embed)),
                ..Files::of(&changed)
            };
            let found = compiled().open(files).unwrap();
            let found = found.and_then(|mut index| {
                let options = asked(&SearchOptions::default());
                index.search(query, &options).unwrap()
            });
            match (expected, found) {
                (Ok(expected), Ok(found)) => assert_eq!(as_json(&found), native(&expected)),
                (Err(expected), Err(found)) => {
                    n_refused += 1;
                    assert_same_error(&found, &expected, &what);
                    assert_eq!(found.path, Some(place.path()), "{what}");
                    if let EngineError::Index {
                        error:
                            IndexError::Corrupt {
                                section, offset, ..
                            },
                        ..
                    } = expected
                    {
                        let damage = found.damage.unwrap();
                        assert_eq!(damage.section, section.name());
                        assert_eq!(damage.offset as usize, offset);
                    }
                }
                (expected, found) => panic!("{what}: {expected:?}, {found:?}"),
            }
        }
    }
    println!("{n_refused} refused");
    assert!(n_refused > 20, "{n_refused} refused");

    let none = compiled().open(Files::default()).unwrap().err().unwrap();
    assert_eq!(none.code, wit::ErrorCode::NotFound);
    assert_eq!(none.path.as_deref(), Some("littoral.json"));
    // Whole when it was opened, replaced when it is searched.
    let mut index = open(Files::of(&stored));
    index.instance.store.data_mut().files = Arc::default();
    let stale = index.search(query, &asked(&SearchOptions::default()));
    assert_eq!(stale.unwrap().unwrap_err().code, wit::ErrorCode::StaleIndex);
}

#[test]
fn options_that_no_index_has_are_errors_that_say_so() {
    let mut index = open(Files::of(&sample::stored()));
    let defaults = index.instance.defaults().unwrap();
    let rerank = Some(wit::Rerank {
        model: vec![1, 2, 3],
        depth: 5,
    });
    let short = wit::SearchOptions {
        rerank,
        ..defaults.clone()
    };
    let error = index.search("tide", &short).unwrap().unwrap_err();
    assert_eq!(error.code, wit::ErrorCode::BadOption);
    let filters = vec![wit::Filter {
        key: "colour".to_owned(),
        value: "blue".to_owned(),
    }];
    let unknown = wit::SearchOptions {
        filters,
        ..defaults.clone()
    };
    let error = index.search("tide", &unknown).unwrap().unwrap_err();
    assert_eq!(error.code, wit::ErrorCode::UnknownField);
    assert!(error.message.contains("section"), "{}", error.message);
    // It answers on.
    let found = index.search("tide", &defaults).unwrap().unwrap();
    assert!(!found.hits.is_empty());
}

#[test]
fn every_code_of_the_engine_is_one_of_the_world() {
    let in_file = |error| EngineError::Index {
        path: String::new(),
        error,
    };
    let (section, path) = (Section::Manifest, String::new());
    let errors = [
        in_file(IndexError::corrupt(section, 0, "")),
        in_file(IndexError::Mismatch { section }),
        in_file(IndexError::Version {
            found: 0,
            supported: 0,
        }),
        in_file(IndexError::TooLarge {
            section,
            size: 0,
            limit: 0,
        }),
        EngineError::Host(HostError::NotFound { path: path.clone() }),
        EngineError::Host(HostError::Unreadable {
            path: path.clone(),
            reason: String::new(),
        }),
        EngineError::Stale { path },
        EngineError::Unknown {
            what: "",
            name: String::new(),
            known: String::new(),
        },
        EngineError::MissingLanguage {
            language: String::new(),
        },
        EngineError::Unsupported {
            what: String::new(),
        },
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let [text, code] = ["wit/index.wit", "src/error.rs"]
        .map(|file| fs::read_to_string(root.join("guest/component").join(file)).unwrap());
    for error in errors {
        assert!(
            text.contains(&format!("    {},\n", error.code())),
            "{error:?}"
        );
        assert!(
            code.contains(&format!("\"{}\" =>", error.code())),
            "{error:?}"
        );
    }
}

#[test]
fn too_little_memory_or_time_ends_an_instance_and_no_other() {
    let stored = sample::stored();
    let query = "tide table for a harbour";
    let options = asked(&SearchOptions {
        k: 50,
        ..SearchOptions::default()
    });
    let mut whole = open(Files::of(&stored));
    let expected = as_json(&whole.search(query, &options).unwrap().unwrap());

    let (mut ended, mut answered) = (0, 0);
    // From less than the component begins with to more than it needs.
    for pages in [1, 8, 16, 24, 32, 40, 48, 56, 64, 128, 512] {
        let files = Files {
            limits: StoreLimitsBuilder::new().memory_size(pages << 16).build(),
            ..Files::of(&stored)
        };
        let found = compiled()
            .open(files)
            .and_then(|index| index.unwrap().search(query, &options));
        match found {
            Ok(found) => {
                assert_eq!(as_json(&found.unwrap()), expected);
                answered += 1;
            }
            Err(_) => ended += 1,
        }
    }
    println!("{ended} ended, {answered} answered");
    assert!(ended > 1 && answered > 1);

    // Time is up while the host reads: the engine is ended when it goes on.
    let engine = compiled().engine.clone();
    let mut late = open(Files {
        watch: Some(Arc::new(move || engine.increment_epoch())),
        ..Files::of(&stored)
    });
    late.instance.store.set_epoch_deadline(1);
    let error = late.search(query, &options).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
    // An instance that was ended answers no more; others do.
    late.instance.store.set_epoch_deadline(u64::MAX >> 1);
    assert!(late.search(query, &options).is_err());
    assert_eq!(
        as_json(&whole.search(query, &options).unwrap().unwrap()),
        expected
    );
}
