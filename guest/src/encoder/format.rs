//! The packed model file.
//!
//! All numbers are little-endian. Strings and variable-length numbers are as in the index format:
//! 7-bit groups, lowest first; a string has its length in bytes in front.
//!
//! | offset | size | field | meaning |
//! |---|---|---|---|
//! | 0 | 8 | magic | `LITMODEL` |
//! | 8 | 4 | version | 1 |
//! | 12 | 4 | length of the head | bytes from offset 48 up to the tensors' padding |
//! | 16 | 32 | checksum | BLAKE3 of everything from offset 48 on |
//! | 48 | 10 × 4 | sizes | as in [`Config`], in its order |
//! | 88 | 4 | epsilon | `f32`, of layer normalisation |
//! | 92 | 4 | switches | bytes: pooling, activation, dense activation, 1 when vectors are normalised |
//! | 96 | | name | string |
//! | | | query prompt | string put in front of a query |
//! | | | document prompt | string put in front of a document |
//! | | | tokenizer | length as a number, then as in [`crate::wordpiece::WordPiece::write`] |
//!
//! Tensors follow, each from the next multiple of 64 bytes on, with zeros between:
//!
//! | tensor | layout |
//! |---|---|
//! | token scales | `f32` × `vocabulary` |
//! | token rows | `i8` × `vocabulary` × `hidden`: a value is its byte times the row's scale |
//! | positions, types | `f32` × `positions` × `hidden`, × `types` × `hidden` |
//! | normalisation of embeddings | gain and shift, `f32` × `hidden` each |
//! | per layer | attention input (query, key and value rows one after another), attention output, its normalisation, expansion, contraction, their normalisation |
//! | dense | a matrix, where `dense` is not 0 |
//! | pooler, classifier | matrices, where `labels` is not 0 |
//!
//! A matrix is its largest activation as `u32` (127 or 2047: how finely its input is cut), then from
//! the next multiple of 64 bytes on scales and biases, `f32` × outputs padded to 16, and the weights
//! in panels of 16 outputs (see [`super::matrix`]).
//!
//! An example, of the head alone: a model whose `hidden` is 8 has the bytes `08 00 00 00` at offset
//! 48.

use super::matrix::{Line, Matrix};
use crate::model::{ModelError, ModelReader, put_floats, put_number, put_padding, put_string};
use crate::wordpiece::WordPiece;

/// What every packed model begins with.
pub const MAGIC: [u8; 8] = *b"LITMODEL";

/// The version written and read.
pub const VERSION: u32 = 1;

/// Bytes in front of what the checksum covers.
pub const FIXED_BYTES: usize = 48;

/// Largest magnitude of a stored number. The largest weights of sound models are below 100.
const LIMIT: f32 = 1e6;

/// Longest name or prompt.
const MAX_STRING_BYTES: usize = 4096;

/// Where tensors begin.
const ALIGNMENT: usize = 64;

/// Which of the last layer's vectors make the text's vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// That of the first token.
    First,
    /// Their mean.
    Mean,
}

/// A layer's nonlinearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x Φ(x)` with the normal distribution's Φ.
    Gelu,
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// None.
    Identity,
}

impl Activation {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Gelu, Self::Relu, Self::Tanh, Self::Identity]
            .into_iter()
            .find(|a| a.to_byte() == byte)
    }

    fn to_byte(self) -> u8 {
        match self {
            Self::Gelu => 0,
            Self::Relu => 1,
            Self::Tanh => 2,
            Self::Identity => 3,
        }
    }
}

/// A model's shape and habits.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Width of a token's vector; a multiple of 4.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads; their width is a multiple of 4.
    pub heads: usize,
    /// Width between expansion and contraction; a multiple of 4.
    pub intermediate: usize,
    /// Rows of the token table.
    pub vocabulary: usize,
    /// Rows of the position table: the longest text in tokens.
    pub positions: usize,
    /// Rows of the type table.
    pub types: usize,
    /// Tokens after which texts are cut, `[CLS]` and `[SEP]` included; what the model was trained for.
    pub max_tokens: usize,
    /// Width of the text's vector after a dense layer, 0 without one.
    pub dense: usize,
    /// Outputs of a classifier, 0 without one.
    pub labels: usize,
    /// Epsilon of layer normalisation.
    pub epsilon: f32,
    /// What makes the text's vector.
    pub pooling: Pooling,
    /// Between expansion and contraction.
    pub activation: Activation,
    /// Behind the dense layer.
    pub dense_activation: Activation,
    /// Whether the text's vector has length 1.
    pub normalize: bool,
    /// What the model is called.
    pub name: String,
    /// Put in front of a query.
    pub query_prompt: String,
    /// Put in front of a document.
    pub document_prompt: String,
}

impl Config {
    fn sizes(&self) -> [usize; 10] {
        [
            self.hidden,
            self.layers,
            self.heads,
            self.intermediate,
            self.vocabulary,
            self.positions,
            self.types,
            self.max_tokens,
            self.dense,
            self.labels,
        ]
    }

    /// Refuses what the kernels are not made for.
    ///
    /// # Errors
    /// [`ModelError::TooLarge`] or [`ModelError::Unsupported`].
    pub fn validate(&self) -> Result<(), ModelError> {
        let limits: [(&'static str, usize, usize, usize); 10] = [
            ("width", self.hidden, 4, 2048),
            ("number of layers", self.layers, 1, 48),
            ("number of heads", self.heads, 1, 64),
            ("intermediate width", self.intermediate, 4, 8192),
            ("vocabulary", self.vocabulary, 1, 1 << 20),
            ("number of positions", self.positions, 2, 512),
            ("number of types", self.types, 1, 16),
            ("length in tokens", self.max_tokens, 2, self.positions),
            ("dense width", self.dense, 0, 4096),
            ("number of labels", self.labels, 0, 64),
        ];
        for (what, size, least, limit) in limits {
            if size < least || size > limit {
                return Err(ModelError::TooLarge {
                    what,
                    size: size as u64,
                    limit: limit as u64,
                });
            }
        }
        let unsupported = |reason| Err(ModelError::Unsupported { reason });
        if !self.hidden.is_multiple_of(4) || !self.intermediate.is_multiple_of(4) {
            return unsupported("its widths are no multiples of 4");
        }
        if !self.hidden.is_multiple_of(self.heads) || !self.head_width().is_multiple_of(4) {
            return unsupported("its heads' width is no multiple of 4");
        }
        if self.head_width() > 256 {
            return unsupported("its heads are wider than 256");
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return unsupported("a number in its head has no legal value");
        }
        Ok(())
    }

    /// Width of an attention head.
    pub fn head_width(&self) -> usize {
        self.hidden / self.heads
    }

    /// Width of a text's vector.
    pub fn dims(&self) -> usize {
        if self.dense > 0 {
            self.dense
        } else {
            self.hidden
        }
    }

    fn read(reader: &mut ModelReader<'_>) -> Result<Self, ModelError> {
        let mut sizes = [0usize; 10];
        for size in &mut sizes {
            *size = reader.u32()? as usize;
        }
        let epsilon = f32::from_bits(reader.u32()?);
        let pooling = match reader.byte()? {
            0 => Pooling::First,
            1 => Pooling::Mean,
            _ => return Err(reader.error("a pooling that is not known")),
        };
        let activation = Activation::from_byte(reader.byte()?);
        let dense_activation = Activation::from_byte(reader.byte()?);
        let (Some(activation), Some(dense_activation)) = (activation, dense_activation) else {
            return Err(reader.error("an activation that is not known"));
        };
        let normalize = match reader.byte()? {
            0 => false,
            1 => true,
            _ => return Err(reader.error("a switch that is neither 0 nor 1")),
        };
        let mut strings = [String::new(), String::new(), String::new()];
        for string in &mut strings {
            let read = reader.string()?;
            if read.len() > MAX_STRING_BYTES {
                return Err(reader.error("a string is too long"));
            }
            read.clone_into(string);
        }
        let [name, query_prompt, document_prompt] = strings;
        let config = Self {
            hidden: sizes[0],
            layers: sizes[1],
            heads: sizes[2],
            intermediate: sizes[3],
            vocabulary: sizes[4],
            positions: sizes[5],
            types: sizes[6],
            max_tokens: sizes[7],
            dense: sizes[8],
            labels: sizes[9],
            epsilon,
            pooling,
            activation,
            dense_activation,
            normalize,
            name,
            query_prompt,
            document_prompt,
        };
        config.validate()?;
        Ok(config)
    }

    fn write(&self, out: &mut Vec<u8>) {
        for size in self.sizes() {
            out.extend_from_slice(&(size as u32).to_le_bytes());
        }
        out.extend_from_slice(&self.epsilon.to_le_bytes());
        out.push(u8::from(self.pooling == Pooling::Mean));
        out.push(self.activation.to_byte());
        out.push(self.dense_activation.to_byte());
        out.push(u8::from(self.normalize));
        for string in [&self.name, &self.query_prompt, &self.document_prompt] {
            put_string(out, string);
        }
    }
}

/// Gain and shift behind a normalisation.
#[derive(Debug, Clone)]
pub struct Norm {
    /// `[hidden]`
    pub gain: Vec<f32>,
    /// `[hidden]`
    pub shift: Vec<f32>,
}

/// One layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// `[3 hidden, hidden]`: query, key, value.
    pub attention_in: Matrix,
    /// `[hidden, hidden]`
    pub attention_out: Matrix,
    /// Behind the attention.
    pub attention_norm: Norm,
    /// `[intermediate, hidden]`
    pub expansion: Matrix,
    /// `[hidden, intermediate]`
    pub contraction: Matrix,
    /// Behind the contraction.
    pub norm: Norm,
}

/// A model as it lies in memory and in its file.
#[derive(Debug, Clone)]
pub struct Model {
    /// Shape and habits.
    pub config: Config,
    /// Text into tokens.
    pub tokenizer: WordPiece,
    /// `[vocabulary]`
    pub token_scales: Vec<f32>,
    /// `[vocabulary, hidden]`
    pub token_rows: Vec<i8>,
    /// `[positions, hidden]`
    pub positions: Vec<f32>,
    /// `[types, hidden]`
    pub types: Vec<f32>,
    /// Behind the sum of the three tables.
    pub norm: Norm,
    /// First to last.
    pub layers: Vec<Layer>,
    /// `[dense, hidden]`
    pub dense: Option<Matrix>,
    /// `[hidden, hidden]` and `[labels, hidden]` of a cross-encoder.
    pub head: Option<[Matrix; 2]>,
}

/// What stands before the head: a reader behind it, the head's length, and the checksum of the rest.
fn begin(bytes: &[u8]) -> Result<(ModelReader<'_>, usize, &[u8]), ModelError> {
    let mut reader = ModelReader::new(bytes, "file");
    if reader.take(8)? != MAGIC {
        return Err(ModelError::Corrupt {
            part: "file",
            offset: 0,
            reason: "this is no packed model; littoral model quantize makes one",
        });
    }
    let version = reader.u32()?;
    if version != VERSION {
        return Err(ModelError::Version {
            found: version,
            supported: VERSION,
        });
    }
    let head_bytes = reader.u32()? as usize;
    let checksum = reader.take(32)?;
    Ok((reader, head_bytes, checksum))
}

impl Model {
    /// Reads a packed model; returns it with the first 8 bytes of its checksum.
    ///
    /// # Errors
    /// [`ModelError`] for anything but a sound model.
    pub fn read(bytes: &[u8]) -> Result<(Self, [u8; 8]), ModelError> {
        let (mut reader, head_bytes, checksum) = begin(bytes)?;
        let hash = blake3::hash(&bytes[FIXED_BYTES..]);
        if hash.as_bytes() != checksum {
            return Err(reader.error("the checksum does not fit"));
        }
        let mut id = [0; 8];
        id.copy_from_slice(&checksum[..8]);
        Ok((Self::read_rest(&mut reader, head_bytes)?, id))
    }

    /// As [`Model::read`], of bytes that it has read before: their checksum is not compared again.
    ///
    /// # Errors
    /// As there.
    pub fn read_again(bytes: &[u8]) -> Result<Self, ModelError> {
        let (mut reader, head_bytes, _) = begin(bytes)?;
        Self::read_rest(&mut reader, head_bytes)
    }

    fn read_rest(reader: &mut ModelReader<'_>, head_bytes: usize) -> Result<Self, ModelError> {
        let mut head = ModelReader::new(reader.take(head_bytes)?, "head");
        let config = Config::read(&mut head)?;
        let n = head.number()? as usize;
        let tokenizer = WordPiece::read(head.take(n)?)?;
        head.end()?;
        let n_tokens = config.vocabulary as u32;
        let task = tokenizer.task_tokens();
        let mut ids = tokenizer.all_ids();
        if ids.any(|id| id >= n_tokens) || [task.begin, task.end].iter().any(|&t| t >= n_tokens) {
            return Err(head.error("a token has no row in the token table"));
        }
        drop(ids);

        let model = Self::read_tensors(config, tokenizer, reader)?;
        reader.end()?;
        Ok(model)
    }

    fn read_tensors(
        config: Config,
        tokenizer: WordPiece,
        reader: &mut ModelReader<'_>,
    ) -> Result<Self, ModelError> {
        let hidden = config.hidden;
        reader.align(ALIGNMENT)?;
        let token_scales = reader.floats(config.vocabulary, LIMIT)?;
        reader.align(ALIGNMENT)?;
        let rows = reader.take(config.vocabulary * hidden)?;
        let token_rows = rows.iter().map(|&byte| byte as i8).collect();
        let floats = |reader: &mut ModelReader<'_>, n| {
            reader.align(ALIGNMENT)?;
            reader.floats(n, LIMIT)
        };
        let norm = |reader: &mut ModelReader<'_>| {
            Ok::<_, ModelError>(Norm {
                gain: floats(reader, hidden)?,
                shift: floats(reader, hidden)?,
            })
        };
        let positions = floats(reader, config.positions * hidden)?;
        let types = floats(reader, config.types * hidden)?;
        let embedding_norm = norm(reader)?;
        let mut layers = Vec::new();
        for _ in 0..config.layers {
            layers.push(Layer {
                attention_in: read_matrix(reader, 3 * hidden, hidden)?,
                attention_out: read_matrix(reader, hidden, hidden)?,
                attention_norm: norm(reader)?,
                expansion: read_matrix(reader, config.intermediate, hidden)?,
                contraction: read_matrix(reader, hidden, config.intermediate)?,
                norm: norm(reader)?,
            });
        }
        let dense = (config.dense > 0).then(|| read_matrix(reader, config.dense, hidden));
        let dense = dense.transpose()?;
        let head = if config.labels > 0 {
            Some([
                read_matrix(reader, hidden, hidden)?,
                read_matrix(reader, config.labels, hidden)?,
            ])
        } else {
            None
        };
        Ok(Self {
            config,
            tokenizer,
            token_scales,
            token_rows,
            positions,
            types,
            norm: embedding_norm,
            layers,
            dense,
            head,
        })
    }

    /// The token table's row of `token`; a token without one has the unknown token's, or the first.
    pub(super) fn row_of(&self, token: u32) -> usize {
        let has_row = |token: u32| (token as usize) < self.config.vocabulary;
        let unknown = self.tokenizer.task_tokens().unknown;
        let token = [token, unknown].into_iter().find(|&token| has_row(token));
        token.unwrap_or(0) as usize
    }

    /// The bytes of the model's file.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![0; FIXED_BYTES];
        self.config.write(&mut out);
        let tokenizer = self.tokenizer.write();
        put_number(&mut out, tokenizer.len() as u32);
        out.extend_from_slice(&tokenizer);
        let head_bytes = (out.len() - FIXED_BYTES) as u32;
        let put = |out: &mut Vec<u8>, values: &[f32]| {
            put_padding(out, ALIGNMENT);
            put_floats(out, values);
        };
        put(&mut out, &self.token_scales);
        put_padding(&mut out, ALIGNMENT);
        out.extend(self.token_rows.iter().map(|&value| value as u8));
        put(&mut out, &self.positions);
        put(&mut out, &self.types);
        let put_norm = |out: &mut Vec<u8>, norm: &Norm| {
            put(out, &norm.gain);
            put(out, &norm.shift);
        };
        put_norm(&mut out, &self.norm);
        for layer in &self.layers {
            write_matrix(&mut out, &layer.attention_in);
            write_matrix(&mut out, &layer.attention_out);
            put_norm(&mut out, &layer.attention_norm);
            write_matrix(&mut out, &layer.expansion);
            write_matrix(&mut out, &layer.contraction);
            put_norm(&mut out, &layer.norm);
        }
        for matrix in self.dense.iter().chain(self.head.iter().flatten()) {
            write_matrix(&mut out, matrix);
        }
        let hash = blake3::hash(&out[FIXED_BYTES..]);
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&head_bytes.to_le_bytes());
        out[16..48].copy_from_slice(hash.as_bytes());
        out
    }
}

fn read_matrix(
    reader: &mut ModelReader<'_>,
    n_out: usize,
    n_in: usize,
) -> Result<Matrix, ModelError> {
    reader.align(ALIGNMENT)?;
    let activation_max = reader.u32()?;
    if ![127, 2047].contains(&activation_max) {
        return Err(reader.error("activations have neither 8 nor 12 bits"));
    }
    reader.align(ALIGNMENT)?;
    let padded = n_out.next_multiple_of(16);
    let scales = reader.floats(padded, LIMIT)?;
    reader.align(ALIGNMENT)?;
    let biases = reader.floats(padded, LIMIT)?;
    reader.align(ALIGNMENT)?;
    let (lines, _) = reader.take(padded * n_in)?.as_chunks::<64>();
    let lines = lines.iter().map(|line| Line(line.map(|byte| byte as i8)));
    // -128 would leave the range for which the sums are proven to fit.
    let matrix = Matrix::from_lines(n_out, n_in, activation_max, scales, biases, lines.collect());
    matrix.ok_or_else(|| reader.error("a weight is -128, or padding is not zero"))
}

fn write_matrix(out: &mut Vec<u8>, matrix: &Matrix) {
    put_padding(out, ALIGNMENT);
    out.extend_from_slice(&matrix.activation_max().to_le_bytes());
    put_padding(out, ALIGNMENT);
    put_floats(out, matrix.scales());
    put_padding(out, ALIGNMENT);
    put_floats(out, matrix.biases());
    put_padding(out, ALIGNMENT);
    for line in matrix.lines() {
        out.extend(line.0.iter().map(|&value| value as u8));
    }
}
