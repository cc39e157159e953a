//! What is written below a plot, so that no label lies on another: on one line, on several, upright, or only some of them.

/// The size of all labels at the axes.
pub const LABEL_SIZE: u32 = 20;
/// From one line of labels to the next.
pub const LINE: u32 = 20;
/// Space that is left between neighbours.
const GAP: f64 = 10.0;
/// Characters of a name; a longer one is cut.
const CHARACTERS_MAX: usize = 24;
/// Lines that a name may be broken into.
const LINES_MAX: usize = 3;

/// The width that a text may take. Each browser has a font of its own, so this is generous: wide letters, a whole square for those
/// beyond the Latin alphabet.
pub fn width_of(text: &str, size: u32) -> f64 {
    // The backend writes fonts smaller than they are called by this.
    let em = f64::from(size) / 1.24;
    text.chars().map(|character| if character.is_ascii() { 0.64 * em } else { em }).sum()
}

pub fn widest<'a>(texts: impl IntoIterator<Item = &'a String>, size: u32) -> f64 {
    texts.into_iter().map(|text| width_of(text, size)).fold(0.0, f64::max)
}

/// The labels of an axis, arranged.
#[derive(Debug, PartialEq)]
pub struct Labels {
    /// By their tick; what is left out is empty.
    pub lines: Vec<Vec<String>>,
    /// Written upwards.
    pub upright: bool,
    /// What they take below the axis.
    pub height: u32,
}

impl Labels {
    /// Numbers along an axis, whose ticks are at least `room` apart: some of them will do.
    pub fn of_numbers(texts: &[String], room: f64) -> Self {
        Self::across(texts, step_for(widest(texts, LABEL_SIZE) + GAP, room))
    }

    /// Names of groups that are `room` apart: all of them, as long as there is any way to write them.
    pub fn of_names(texts: &[String], room: f64) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| cut(text)).collect();
        let needed = widest(&texts, LABEL_SIZE) + GAP;
        if needed <= room {
            return Self::across(&texts, 1);
        }
        if let Some(broken) = texts.iter().map(|text| broken(text, room - GAP)).collect::<Option<Vec<_>>>() {
            let lines = broken.iter().map(Vec::len).max().unwrap_or(1);
            return Self { lines: broken, upright: false, height: lines as u32 * LINE };
        }
        let step = step_for(f64::from(LINE), room);
        // Short ones are easier to read on one line, and a reader can count between them.
        if step > 1 && needed <= 3.0 * f64::from(LINE) {
            return Self::across(&texts, step_for(needed, room));
        }
        let height = widest(&texts, LABEL_SIZE).ceil() as u32;
        Self { lines: every(step, &texts), upright: true, height }
    }

    fn across(texts: &[String], step: usize) -> Self {
        Self { lines: every(step, texts), upright: false, height: LINE }
    }
}

fn step_for(needed: f64, room: f64) -> usize {
    (needed / room).ceil().max(1.0) as usize
}

fn every(step: usize, texts: &[String]) -> Vec<Vec<String>> {
    texts.iter().enumerate().map(|(index, text)| if index % step == 0 { vec![text.clone()] } else { Vec::new() }).collect()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CHARACTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}

/// The text on as few lines of that width as its words allow.
fn broken(text: &str, width: f64) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}")).filter(|line| width_of(line, LABEL_SIZE) <= width);
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    (lines.len() <= LINES_MAX && widest(&lines, LABEL_SIZE) <= width).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    /// Whether no two labels can touch, by the generous width.
    fn apart(labels: &Labels, room: f64) -> bool {
        let shown: Vec<(usize, f64)> = (labels.lines.iter().enumerate())
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(index, lines)| (index, if labels.upright { f64::from(LINE) } else { widest(lines, LABEL_SIZE) }))
            .collect();
        shown.windows(2).all(|pair| (pair[1].0 - pair[0].0) as f64 * room >= (pair[0].1 + pair[1].1) / 2.0)
    }

    fn shown(labels: &Labels) -> usize {
        labels.lines.iter().filter(|lines| !lines.is_empty()).count()
    }

    #[test]
    fn names_stand_on_one_line_then_on_several_then_upright() {
        let names = owned(&["read sections", "read seats", "claim"]);
        let of = |room| Labels::of_names(&names, room);
        assert_eq!((of(160.0).height, of(160.0).upright), (LINE, false));
        assert_eq!(of(100.0).lines, [owned(&["read", "sections"]), owned(&["read", "seats"]), owned(&["claim"])]);
        assert_eq!((of(100.0).height, of(100.0).upright), (2 * LINE, false));
        assert!(of(60.0).upright && of(60.0).height > 6 * LINE && shown(&of(60.0)) == 3, "{:?}", of(60.0));
    }

    #[test]
    fn no_label_touches_another_however_many_there_are_and_however_long() {
        let long = "The second balcony on the left, behind the pillar";
        for count in [1, 2, 5, 10, 12, 26, 40, 200, 1000] {
            for name in ["A", "AB", "answered", "Parterre 12", "read the sections", long, "座位區域"] {
                let names = vec![name.to_owned(); count];
                for width in [310.0, 620.0] {
                    let room = width / count as f64;
                    let (named, numbered) = (Labels::of_names(&names, room), Labels::of_numbers(&names, room));
                    assert!(apart(&named, room) && apart(&numbered, room), "{count} × {name} on {width}: {named:?}");
                    assert!(shown(&named) == count || room < 60.0, "{count} × {name} on {width}: {named:?}");
                    assert!(shown(&named) > 0 && named.height <= 16 * LINE, "{count} × {name} on {width}: {named:?}");
                }
            }
        }
    }
}
