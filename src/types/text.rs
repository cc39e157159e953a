//! What a text for people may contain, so that it is what it looks like on a ticket, in a log and in a spreadsheet.
//!
//! `rowlock._text_objection` is the same rule in SQL, in the same words; a test compares the two over all of Unicode. Joiners and
//! variation selectors are fine between other characters: emoji and the scripts of India need them.

use std::fmt::Write;
use std::sync::LazyLock;

/// The first and the last character of a range.
type Range = (char, char);

const CONTROLS: &[Range] = &[('\u{0}', '\u{1f}'), ('\u{7f}', '\u{9f}')];

/// Bidirectional controls, which display a text in another order (Unicode's property `Bidi_Control`), and the separators of lines and
/// paragraphs, which break it.
const REORDERING: &[Range] = &[('\u{61c}', '\u{61c}'), ('\u{200e}', '\u{200f}'), ('\u{2028}', '\u{202e}'), ('\u{2066}', '\u{2069}')];

/// Characters that show nothing by themselves: Unicode's general categories Cc, Cf, Zs, Zl and Zp, its properties `White_Space` and
/// `Default_Ignorable_Code_Point`, and the blank pattern of Braille and the null notehead, which are symbols by their category.
const INVISIBLE: &[Range] = &[
    ('\u{0}', '\u{20}'),
    ('\u{7f}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// The code points of the first plane that Unicode promises never to assign (its property `Noncharacter_Code_Point`): programs take them
/// for the end of a text or for another byte order. Every plane ends with two.
const NONCHARACTERS: &[Range] = &[('\u{fdd0}', '\u{fdef}'), ('\u{fffe}', '\u{ffff}')];

/// What is wrong with a text for people; the length limits deal with an empty one.
pub fn objection(text: &str) -> Option<&'static str> {
    if text.chars().any(|character| is_one_of(character, CONTROLS)) {
        return Some("must not contain control characters");
    }
    if text.chars().any(|character| is_one_of(character, REORDERING)) {
        return Some("must not contain characters that reorder or break its line, such as U+202E");
    }
    if text.chars().any(is_noncharacter) {
        return Some("must not contain noncharacters, such as U+FFFE");
    }
    if !text.is_empty() && text.chars().all(|character| is_one_of(character, INVISIBLE)) {
        return Some("must not be blank: it needs a character that can be seen");
    }
    None
}

/// What is wrong with a name that identifies somebody, beside its length: two names that look the same must be the same.
pub fn id_objection(text: &str) -> Option<&'static str> {
    if let Some(objection) = objection(text) {
        return Some(objection);
    }
    if text.chars().any(|character| character != ' ' && is_one_of(character, INVISIBLE)) {
        return Some("must not contain invisible characters or spaces other than U+0020, such as U+200B or U+00A0");
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Some("must not begin or end with a space");
    }
    None
}

fn is_one_of(character: char, ranges: &[Range]) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

fn is_noncharacter(character: char) -> bool {
    u32::from(character) & 0xfffe == 0xfffe || is_one_of(character, NONCHARACTERS)
}

/// The pattern of a text without control characters, such as a search term.
pub(crate) const UNCONTROLLED: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";

/// The pattern of a text that [`objection`] accepts, for the document; it also matches an empty text if that is allowed.
///
/// Regular expressions differ in how they write characters beyond U+FFFF, so all of those count as visible characters here: because a few
/// are not, the pattern accepts slightly more than the server does.
pub(crate) fn pattern(may_be_empty: bool) -> &'static str {
    static PATTERNS: LazyLock<[String; 2]> = LazyLock::new(|| {
        let refused = class(&[CONTROLS, REORDERING, NONCHARACTERS].concat());
        let some = format!("[^{refused}]*[^{}][^{refused}]*", class(&[INVISIBLE, NONCHARACTERS].concat()));
        [format!("^{some}$"), format!("^({some})?$")]
    });
    &PATTERNS[usize::from(may_be_empty)]
}

/// The characters of the ranges up to U+FFFF, as written between brackets.
fn class(ranges: &[Range]) -> String {
    let mut text = String::new();
    for (first, last) in ranges.iter().map(|(first, last)| (u32::from(*first), u32::from(*last))).filter(|(first, _)| *first <= 0xffff) {
        let written = if first == last { write!(text, "\\u{first:04X}") } else { write!(text, "\\u{first:04X}-\\u{last:04X}") };
        written.unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn texts_that_people_read_are_taken_in_any_script() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        for good in
            ["Concert", " padded ", "春季巡演 🎸", "عمر خيرت", "שלום", "क्\u{200d}ष", "نامه\u{200c}ها", family, "❤\u{fe0f}", "a\u{ad}b", ""]
        {
            assert_eq!(objection(good), None, "{good:?}");
        }
    }

    #[test]
    fn what_is_blank_or_reorders_is_refused() {
        let begins = |text: &str, with: &str| assert!(objection(text).is_some_and(|fault| fault.starts_with(with)), "{text:?}");
        for blank in [" ", "\u{a0}\u{3000}", "\u{200b}", "\u{200d}", "\u{feff}", "\u{3164}", "\u{2800}", "\u{fe0f}", "\u{e0041}", "\u{ad}"]
        {
            begins(blank, "must not be blank");
        }
        for turned in ["invoice\u{202e}fdp.exe", "a\u{200e}", "\u{61c}1", "\u{2066}x\u{2069}", "two\u{2028}lines"] {
            begins(turned, "must not contain characters that reorder");
        }
        for none in ["a\u{fffe}", "\u{ffff}", "\u{fdd0}b", "\u{10ffff}"] {
            begins(none, "must not contain noncharacters");
        }
        for control in ["a\nb", "\t", "\u{0}", "a\u{85}"] {
            begins(control, "must not contain control");
        }
    }

    /// The list is Unicode's, character by character, in the library's version.
    #[test]
    fn the_invisible_are_those_of_unicode() {
        let unicode =
            Regex::new(r"^[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{White_Space}\p{Default_Ignorable_Code_Point}\u{2800}\u{1d159}]$").unwrap();
        let reordering = Regex::new(r"^[\p{Bidi_Control}\u2028\u2029]$").unwrap();
        let noncharacter = Regex::new(r"^\p{Noncharacter_Code_Point}$").unwrap();
        let mut buffer = [0; 4];
        for character in '\u{0}'..=char::MAX {
            let text = character.encode_utf8(&mut buffer);
            assert_eq!(is_one_of(character, INVISIBLE), unicode.is_match(text), "{:x}", u32::from(character));
            assert_eq!(is_one_of(character, REORDERING), reordering.is_match(text), "{:x}", u32::from(character));
            assert_eq!(is_noncharacter(character), noncharacter.is_match(text), "{:x}", u32::from(character));
            assert_eq!(is_one_of(character, CONTROLS), character.is_control(), "{:x}", u32::from(character));
        }
    }

    #[test]
    fn the_documented_pattern_is_the_rule() {
        let (some, any) = (Regex::new(pattern(false)).unwrap(), Regex::new(pattern(true)).unwrap());
        assert!(!some.is_match("") && any.is_match(""));
        for character in '\u{0}'..='\u{ffff}' {
            for text in [character.to_string(), format!("a{character}b"), format!(" {character}")] {
                assert_eq!(some.is_match(&text), objection(&text).is_none(), "{text:?}");
                assert_eq!(any.is_match(&text), objection(&text).is_none(), "{text:?}");
            }
        }
    }
}
