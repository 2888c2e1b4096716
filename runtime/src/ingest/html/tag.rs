//! Element names, and the few facts about them that the tree and the extraction need.

macro_rules! tags {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// The name of an element.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::ingest) enum Tag {
            /// Not an element but a run of text.
            Text,
            /// An element of any other name.
            Other,
            $(
                #[doc = $name]
                $variant,
            )*
        }

        impl Tag {
            /// The tag of a lower-case name.
            pub(in crate::ingest) fn of(name: &[u8]) -> Self {
                match std::str::from_utf8(name) {
                    $( Ok($name) => Self::$variant, )*
                    _ => Self::Other,
                }
            }

            /// The lower-case name; empty for text and other elements.
            pub(in crate::ingest) fn name(self) -> &'static str {
                match self {
                    Self::Text | Self::Other => "",
                    $( Self::$variant => $name, )*
                }
            }
        }
    };
}

tags! {
    A "a", Address "address", Annotation "annotation", Area "area", Article "article",
    Aside "aside", B "b", Base "base", Blockquote "blockquote", Body "body", Br "br",
    Button "button", Canvas "canvas", Caption "caption", Center "center", Code "code", Col "col",
    Colgroup "colgroup", Datalist "datalist", Dd "dd", Del "del", Details "details",
    Dialog "dialog", Div "div", Dl "dl", Dt "dt", Em "em", Embed "embed", Fieldset "fieldset",
    Figcaption "figcaption", Figure "figure", Footer "footer", Form "form", H1 "h1", H2 "h2",
    H3 "h3", H4 "h4", H5 "h5", H6 "h6", Head "head", Header "header", Hgroup "hgroup", Hr "hr",
    Html "html", I "i", Iframe "iframe", Img "img", Input "input", Kbd "kbd", Label "label",
    Legend "legend", Li "li", Link "link", Main "main", Math "math", Menu "menu", Meta "meta",
    Nav "nav", Noscript "noscript", Object "object", Ol "ol", Optgroup "optgroup",
    Option "option", P "p", Param "param", Pre "pre", Rp "rp", Rt "rt", Samp "samp",
    Script "script", Search "search", Section "section", Select "select", Small "small",
    Source "source", Span "span", Strong "strong", Style "style", Sub "sub", Summary "summary",
    Sup "sup", Svg "svg", Table "table", Tbody "tbody", Td "td", Template "template",
    Textarea "textarea", Tfoot "tfoot", Th "th", Thead "thead", Title "title", Tr "tr",
    Track "track", Ul "ul", Video "video", Audio "audio", Wbr "wbr",
}

impl Tag {
    /// Elements that have no content and no end tag.
    pub(in crate::ingest) fn is_void(self) -> bool {
        matches!(
            self,
            Self::Area
                | Self::Base
                | Self::Br
                | Self::Col
                | Self::Embed
                | Self::Hr
                | Self::Img
                | Self::Input
                | Self::Link
                | Self::Meta
                | Self::Param
                | Self::Source
                | Self::Track
                | Self::Wbr
        )
    }

    /// Elements that begin and end a block of text.
    pub(in crate::ingest) fn is_block(self) -> bool {
        matches!(
            self,
            Self::Address
                | Self::Article
                | Self::Aside
                | Self::Blockquote
                | Self::Body
                | Self::Caption
                | Self::Center
                | Self::Dd
                | Self::Details
                | Self::Dialog
                | Self::Div
                | Self::Dl
                | Self::Dt
                | Self::Fieldset
                | Self::Figcaption
                | Self::Figure
                | Self::Footer
                | Self::Form
                | Self::Header
                | Self::Hgroup
                | Self::Hr
                | Self::Html
                | Self::Legend
                | Self::Li
                | Self::Main
                | Self::Menu
                | Self::Nav
                | Self::Ol
                | Self::P
                | Self::Pre
                | Self::Search
                | Self::Section
                | Self::Summary
                | Self::Table
                | Self::Tbody
                | Self::Td
                | Self::Tfoot
                | Self::Th
                | Self::Thead
                | Self::Tr
                | Self::Ul
        ) || self.level().is_some()
    }

    /// Parts of tables; their end tags may close other parts of tables.
    pub(in crate::ingest) fn is_table_part(self) -> bool {
        matches!(
            self,
            Self::Table
                | Self::Tbody
                | Self::Thead
                | Self::Tfoot
                | Self::Tr
                | Self::Td
                | Self::Th
                | Self::Caption
        )
    }

    /// The level of a heading.
    pub(in crate::ingest) fn level(self) -> Option<u8> {
        Some(match self {
            Self::H1 => 1,
            Self::H2 => 2,
            Self::H3 => 3,
            Self::H4 => 4,
            Self::H5 => 5,
            Self::H6 => 6,
            _ => return None,
        })
    }
}
