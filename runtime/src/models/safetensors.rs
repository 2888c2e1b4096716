//! Reads and writes safetensors files: a JSON table of names, types, shapes and places, then plain
//! numbers.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | length of the table, little-endian |
//! | 8 | length | table: `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}` |
//! | 8 + length | | numbers, little-endian |
//!
//! Tensors fill the numbers without a gap or an overlap, and no name comes twice. Nothing is executed.
//! Pickled weights (`pytorch_model.bin`) are refused by their first bytes.

use super::ModelsError;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// Longest table.
const MAX_TABLE_BYTES: usize = 16 << 20;

/// Most dimensions of a tensor.
const MAX_DIMS: usize = 8;

/// The table as it is written, in which no name may come twice.
struct Table(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut table = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if table.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("{name} is there twice")));
                    }
                }
                Ok(Table(table))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Tensors by name, over the file's bytes.
#[derive(Debug)]
pub struct Tensors<'a> {
    entries: BTreeMap<String, Entry>,
    metadata: Value,
    data: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Reads the table and checks every place in it.
    ///
    /// # Errors
    /// [`ModelsError::Tensor`] for anything but a sound file.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ModelsError> {
        let error = |reason: &str| ModelsError::tensor("(table)", reason);
        // A length may begin like a pickle; a table follows it then.
        let is_pickle = bytes.starts_with(b"\x80") && bytes.get(8) != Some(&b'{');
        if bytes.starts_with(b"PK\x03\x04") || is_pickle {
            return Err(error(
                "these are pickled weights, which may run code; only safetensors are read",
            ));
        }
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(error("the file is shorter than its first field"));
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_TABLE_BYTES as u64 || length > rest.len() as u64 {
            return Err(error(
                "the table reaches beyond the end of the file, or is too long",
            ));
        }
        let (table, data) = rest.split_at(length as usize);
        let Table(mut table) = serde_json::from_slice(table)
            .map_err(|e| error(&format!("the table is no JSON object: {e}")))?;
        let metadata = table.remove("__metadata__").unwrap_or_default();
        let mut entries = BTreeMap::new();
        for (name, value) in table {
            let entry: Entry = serde_json::from_value(value)
                .map_err(|e| ModelsError::tensor(&name, e.to_string()))?;
            check(&name, &entry, data.len())?;
            entries.insert(name, entry);
        }
        let mut places: Vec<(&[usize; 2], &String)> = entries
            .iter()
            .map(|(name, e)| (&e.data_offsets, name))
            .collect();
        places.sort_unstable();
        let mut end = 0;
        for ([from, to], name) in places {
            if *from != end {
                let reason = "does not begin where the tensor before it ends";
                return Err(ModelsError::tensor(name, reason));
            }
            end = *to;
        }
        if end != data.len() {
            return Err(error("there are bytes behind the last tensor"));
        }
        Ok(Self {
            entries,
            metadata,
            data,
        })
    }

    /// The names of all tensors, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// What the metadata says under `name`.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata[name].as_str()
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The shape of a tensor.
    ///
    /// # Errors
    /// [`ModelsError::Tensor`] when it is not there.
    pub fn shape(&self, name: &str) -> Result<&[usize], ModelsError> {
        Ok(&self.entry(name)?.shape)
    }

    /// The numbers of a tensor, which must have `shape` and be finite.
    ///
    /// # Errors
    /// [`ModelsError::Tensor`] otherwise.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelsError> {
        let entry = self.entry(name)?;
        if entry.shape != shape {
            let reason = format!("has shape {:?}, not {shape:?}", entry.shape);
            return Err(ModelsError::tensor(name, reason));
        }
        let [start, end] = entry.data_offsets;
        let bytes = &self.data[start..end];
        let values: Vec<f32> = match entry.dtype.as_str() {
            "F32" => {
                let (values, _) = bytes.as_chunks();
                values.iter().map(|&b| f32::from_le_bytes(b)).collect()
            }
            "F16" => {
                let (values, _) = bytes.as_chunks();
                values
                    .iter()
                    .map(|&b| half(u16::from_le_bytes(b)))
                    .collect()
            }
            "BF16" => {
                let (values, _) = bytes.as_chunks();
                let wide = |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
                values.iter().map(|&b| wide(b)).collect()
            }
            other => {
                let reason = format!("has type {other}; F32, F16 and BF16 are read");
                return Err(ModelsError::tensor(name, reason));
            }
        };
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(ModelsError::tensor(name, "has numbers that are not finite"))
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry, ModelsError> {
        self.entries
            .get(name)
            .ok_or_else(|| ModelsError::tensor(name, "is not there"))
    }
}

/// The bytes of a file with `metadata`, and `tensors` by name: shape and numbers, of 32 bits. The same
/// tensors give the same bytes.
pub fn write(metadata: &Map<String, Value>, tensors: &[(String, Vec<usize>, &[f32])]) -> Vec<u8> {
    let mut table = Map::new();
    let mut end = 0;
    if !metadata.is_empty() {
        table.insert("__metadata__".into(), metadata.clone().into());
    }
    for (name, shape, values) in tensors {
        let start = end;
        end += 4 * values.len();
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        table.insert(name.clone(), entry);
    }
    let mut table = Value::from(table).to_string();
    // Numbers begin at a multiple of 8, as other programs have it.
    while !table.len().is_multiple_of(8) {
        table.push(' ');
    }
    let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
    bytes.extend(table.as_bytes());
    let numbers = tensors.iter().flat_map(|(_, _, values)| values.iter());
    bytes.extend(numbers.flat_map(|x| x.to_le_bytes()));
    bytes
}

fn check(name: &str, entry: &Entry, n_bytes: usize) -> Result<(), ModelsError> {
    let error = |reason: &str| Err(ModelsError::tensor(name, reason));
    let [start, end] = entry.data_offsets;
    if start > end || end > n_bytes {
        return error("lies beyond the end of the file");
    }
    if entry.shape.len() > MAX_DIMS {
        return error("has too many dimensions");
    }
    let size = match entry.dtype.as_str() {
        "F64" | "I64" | "U64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2" => 1,
        _ => return error("has a type that is not known"),
    };
    let n_values = entry
        .shape
        .iter()
        .try_fold(size, |n: usize, &d| n.checked_mul(d));
    if n_values == Some(end - start) {
        Ok(())
    } else {
        error("has more or fewer bytes than its shape")
    }
}

/// A number of 16 bits with 5 of exponent.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10 & 0x1F);
    let fraction = u32::from(bits & 0x3FF);
    let magnitude = match exponent {
        0 => return f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 => 0x7F80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(table: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(table.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn numbers_of_three_types_are_read() {
        let table = r#"{"__metadata__":{"format":"pt"},
            "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            "b":{"dtype":"F16","shape":[1,4],"data_offsets":[8,16]},
            "c":{"dtype":"BF16","shape":[1],"data_offsets":[16,18]}}"#;
        let mut data = Vec::new();
        data.extend(1.5f32.to_le_bytes());
        data.extend((-2.0f32).to_le_bytes());
        // 1, the smallest, -65504, 0.333…
        for half in [0x3C00u16, 1, 0xFBFF, 0x3555] {
            data.extend(half.to_le_bytes());
        }
        data.extend(0xC040u16.to_le_bytes());
        let bytes = file(table, &data);
        let tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.get("a", &[2]).unwrap(), [1.5, -2.0]);
        let halves = tensors.get("b", &[1, 4]).unwrap();
        assert_eq!(halves, [1.0, 5.960_464_5e-8, -65504.0, 0.333_251_95]);
        assert_eq!(tensors.get("c", &[1]).unwrap(), [-3.0]);
        assert!(!tensors.has("__metadata__"));
        assert!(tensors.get("a", &[1, 2]).is_err());
        assert!(tensors.get("d", &[1]).is_err());
    }

    #[test]
    fn a_file_is_read_as_written() {
        let metadata = json!({"format": "pt"}).as_object().cloned().unwrap();
        let tensors = [
            ("b".to_owned(), vec![2, 1], &[1.0, -2.0][..]),
            ("a".to_owned(), vec![1], &[0.5][..]),
        ];
        let bytes = write(&metadata, &tensors);
        let read = Tensors::read(&bytes).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read.metadata("format"), Some("pt"));
        for (name, shape, values) in tensors {
            assert_eq!(read.get(&name, &shape).unwrap(), values);
        }
    }

    #[test]
    fn a_table_whose_length_begins_like_a_pickle_is_read() {
        let mut table = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_owned();
        table.push_str(&" ".repeat(0x280 - table.len()));
        let bytes = file(&table, &1f32.to_le_bytes());
        assert!(bytes.starts_with(b"\x80\x02"));
        assert_eq!(
            Tensors::read(&bytes).unwrap().get("a", &[1]).unwrap(),
            [1.0]
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let entry = |rest: &str| format!(r#"{{"a":{{"dtype":"F32",{rest}}}}}"#);
        let nan = f32::NAN.to_le_bytes();
        for bytes in [
            b"".to_vec(),
            b"PK\x03\x04archive/data.pkl".to_vec(),
            b"\x80\x02}q\x00.".to_vec(),
            u64::MAX.to_le_bytes().to_vec(),
            file("[1]", b""),
            file("{", b""),
            file(&entry(r#""shape":[1],"data_offsets":[0,8]"#), &[0; 8]),
            file(&entry(r#""shape":[1],"data_offsets":[4,0]"#), &[0; 8]),
            file(&entry(r#""shape":[2],"data_offsets":[0,8]"#), &[0; 4]),
            file(
                &entry(r#""shape":[9223372036854775807,4],"data_offsets":[0,8]"#),
                &[0; 8],
            ),
            file(&entry(r#""shape":[-1],"data_offsets":[0,4]"#), &[0; 4]),
            file(
                &entry(r#""shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]"#),
                &[0; 4],
            ),
            file(&entry(r#""shape":[1],"data_offsets":[0,4]"#), &nan),
            // Twice, with a gap, over another, and with bytes that belong to none.
            file(
                r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
                    "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                &[0; 4],
            ),
            file(&entry(r#""shape":[1],"data_offsets":[4,8]"#), &[0; 8]),
            file(
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                    "b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
                &[0; 6],
            ),
            file(&entry(r#""shape":[1],"data_offsets":[0,4]"#), &[0; 5]),
            file(
                r#"{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}"#,
                &[0; 4],
            ),
        ] {
            let read = Tensors::read(&bytes).and_then(|tensors| tensors.get("a", &[1]));
            assert!(read.is_err(), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
