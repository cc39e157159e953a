//! Quoting what a client sent: never at length.

use std::borrow::Cow;

/// The most of a name or a value that is quoted, in characters.
const QUOTED_CHARS_MAX: usize = 60;

/// What a client sent, as a part of a sentence.
pub(crate) fn quoted(sent: &str) -> Cow<'_, str> {
    match sent.char_indices().nth(QUOTED_CHARS_MAX) {
        Some(_) => Cow::Owned(cut(sent.to_owned(), QUOTED_CHARS_MAX)),
        None => Cow::Borrowed(sent),
    }
}

/// The text, truncated to that many characters.
pub(crate) fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        let keep = text[..end].char_indices().next_back().map_or(0, |(last, _)| last);
        text.truncate(keep);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(cut("abc".into(), 3), "abc");
        assert_eq!(cut("abcd".into(), 3), "ab…");
        assert_eq!(cut("éééé".into(), 3), "éé…");
        assert_eq!(quoted(&"é".repeat(QUOTED_CHARS_MAX)), "é".repeat(QUOTED_CHARS_MAX));
        assert_eq!(quoted(&"é".repeat(15_000)).chars().count(), QUOTED_CHARS_MAX);
    }
}
