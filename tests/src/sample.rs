//! Documents written for the tests, and a small index of them with everything an index can hold.

use crate::encoder::TOY;
use crate::memory::Stored;
use crate::random::Random;
use littoral_guest::{Document, Part, PartKind};
use littoral_indexes::manifest::{Embedding, Settings};
use littoral_runtime::build::{TABLE, default_settings};

const PAGES: [(&str, &str, &str, &str); 14] = [
    (
        "tides",
        "Reading a tide table",
        "guide",
        "A tide table lists the times of high water and low water for a harbour. Read the row of the day, then add the correction of your own harbour. The range between high and low water is greatest at new moon and full moon, and such a tide is called a spring tide.",
    ),
    (
        "knots",
        "Knots for mooring",
        "guide",
        "The bowline makes a loop that never slips. A clove hitch holds a fender on a rail. Tie the boat to a bollard with a round turn and two half hitches, and leave some slack for the falling tide.",
    ),
    (
        "birds",
        "Birds of the shore",
        "nature",
        "The oystercatcher opens mussels with its red bill. Sandpipers run along the edge of the waves. Terns dive for small fish close to the beach.",
    ),
    (
        "crabs",
        "The life of a shore crab",
        "nature",
        "A shore crab sheds its shell as it grows. Until the new shell is hard the crab hides under stones. It eats mussels, worms and what the tide leaves behind.",
    ),
    (
        "anchor",
        "How to anchor",
        "guide",
        "Lower the anchor slowly and let out chain five times the depth of the water. Wait until the anchor holds, then watch two marks on the shore. If the marks move the anchor drags.",
    ),
    (
        "radio",
        "Calling on the radio",
        "reference",
        "Channel 16 is for calling and for distress. Say the name of the other ship twice, then your own name. Error E1042 on the display means that the antenna is not connected.",
    ),
    (
        "lights",
        "Lights at night",
        "reference",
        "A lighthouse is known by the rhythm of its light. Fl(3) 15s means three flashes every fifteen seconds. Red light marks the port side of the channel, green light the starboard side.",
    ),
    (
        "weather",
        "Weather from the west",
        "reference",
        "A falling barometer and a wind that backs to the south announce a gale. Fog forms when warm air drifts over cold water. The forecast is read on the radio every six hours.",
    ),
    (
        "kelp",
        "Kelp forests",
        "nature",
        "Kelp grows half a metre a day. Otters wrap themselves in kelp before they sleep, and fish hide between the fronds. Storms tear the kelp from the rocks and throw it on the beach.",
    ),
    (
        "maps",
        "Charts and depths",
        "reference",
        "Depths on a chart are measured from the lowest tide. A number with a small second number is metres and tenths. Rocks that dry at low water are marked with a cross.",
    ),
    (
        "ebbe",
        "Ebbe und Flut",
        "nature",
        "Bei Ebbe fällt das Wasser und bei Flut steigt es. Zwischen zwei Hochwassern liegen etwas mehr als zwölf Stunden. Das Watt fällt bei Niedrigwasser trocken.",
    ),
    (
        "api",
        "client.connect()",
        "reference",
        "Call `client.connect(port)` before `client.read_depth()`. The function getUserMedia returns a stream. Use std::vec::Vec to hold the depths, and C++ bindings where speed matters.",
    ),
    (
        "safety",
        "Life jackets",
        "guide",
        "Wear a life jacket whenever you are alone on deck. Check the gas bottle every spring. A child's life jacket has a strap between the legs.",
    ),
    (
        "harbour",
        "Entering a harbour",
        "guide",
        "Call the harbour master on channel 12. Keep to the starboard side of the channel, and give way to ships that cannot turn. Prepare lines and fenders before you enter the harbour.",
    ),
];

fn page(i: usize) -> Document {
    let (id, title, section, text) = PAGES[i];
    let mut document = Document {
        id: id.into(),
        url: format!("{id}.html"),
        title: title.into(),
        ..Document::default()
    };
    let mut push = |kind, text: &str| {
        if !document.text.is_empty() {
            document.text.push_str("\n\n");
        }
        let start = document.text.len();
        document.text.push_str(text);
        document.parts.push(Part {
            kind,
            start,
            end: document.text.len(),
            weight: 10,
        });
    };
    for (n, sentence) in text.split_inclusive(". ").enumerate() {
        if n > 0 && i.is_multiple_of(3) {
            let anchor = Some(format!("part-{n}"));
            push(
                PartKind::Heading { level: 2, anchor },
                &format!("Part {n} of {title}"),
            );
        }
        push(PartKind::Paragraph, sentence.trim());
    }
    document
        .meta
        .insert("author".into(), ["Ada", "Grace", "Edsger"][i % 3].into());
    document
        .filters
        .insert("section".into(), vec![section.into()]);
    let level = if i.is_multiple_of(2) {
        vec!["easy".into()]
    } else {
        vec!["easy".into(), "hard".into()]
    };
    document.filters.insert("level".into(), level);
    if i != 4 {
        document
            .sort
            .insert("date".into(), format!("2026-{:02}-03", i % 12 + 1));
    }
    document
        .sort
        .insert("weight".into(), format!("{}", (i * 7) % 5));
    if i % 3 == 1 {
        // One that no document says, and one that some do.
        let words = [("seamanship", 1200), ("weather", 900)];
        document.expansions = words.map(|(word, weight)| (word.into(), weight)).into();
    }
    document
}

/// Settings that make several chunks of the sample's longer documents, with vectors, rows and a
/// query table.
pub fn settings() -> Settings {
    Settings {
        chunk_tokens: 48,
        synonyms: vec![vec!["boat".into(), "ship".into(), "vessel".into()]],
        embedding: Embedding {
            embedder: TABLE.into(),
            model: TOY,
            rescore: 6,
        },
        ..default_settings()
    }
}

/// The sample's documents.
pub fn documents() -> Vec<Document> {
    (0..PAGES.len()).map(page).collect()
}

/// The sample's index before its update.
pub fn first() -> Stored {
    Stored::build(&documents()[..12], &settings())
}

/// The sample's index: two segments, the second with two new documents and one that replaces an old
/// one; filters, sort keys, positions, spelling, synonyms, expansions, a dictionary.
pub fn stored() -> Stored {
    let mut more = documents().split_off(12);
    let mut changed = page(1);
    changed.text.push_str("\n\nCoil the rope with the sun.");
    let end = changed.text.len();
    changed.parts.push(Part {
        kind: PartKind::Paragraph,
        start: end - 27,
        end,
        weight: 10,
    });
    more.push(changed);
    first().with(&more)
}

/// Another index, of other documents.
pub fn other() -> Stored {
    let documents: Vec<Document> = (0..8)
        .map(|i| Document {
            id: format!("other-{i}"),
            title: format!("Hill {i}"),
            ..page(13 - i)
        })
        .collect();
    Stored::build(&documents, &settings())
}

/// An index large enough to have a dictionary of its passages, and a second segment that uses it.
pub fn large() -> Stored {
    let mut random = Random::new(11);
    let words: Vec<&str> = PAGES
        .iter()
        .flat_map(|(.., text)| text.split_whitespace())
        .collect();
    let documents: Vec<Document> = (0..160)
        .map(|i| {
            let n = 80 + random.below(200);
            let text: Vec<&str> = (0..n).map(|_| *random.pick(&words)).collect();
            Document::plain(format!("drawn-{i}"), format!("Drawn {i}"), text.join(" "))
        })
        .collect();
    let mut settings = settings();
    settings.embedding.embedder = "toy".into();
    Stored::build(&documents[..150], &settings).with(&documents[145..])
}
