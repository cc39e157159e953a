//! The code blocks of a Markdown file, and the commands in them.

/// The kind of a block, which decides how it is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Shell commands, each of which begins with a program that the tests know.
    Shell,
    /// Statements for psql.
    Sql,
    Diagram,
    /// Lines of `postgresql.conf`, fenced as `ini`.
    Settings,
    /// Commands that were tried by hand, on servers that no test starts: fenced as `sh`, and only in `docs/`.
    Tried,
    Unknown,
}

/// A code block, indented or fenced.
#[derive(Clone, Debug)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// The heading above it.
    pub heading: String,
    /// Its text, without its indentation.
    pub text: String,
}

const PROGRAMS: [&str; 5] = ["make ", "curl ", "rowlock ", "rowlock-lab ", "export "];

/// All blocks of the file, in order.
pub fn of(markdown: &str) -> Vec<Block> {
    let (mut found, mut heading, mut fence, mut text) = (Vec::new(), String::new(), None::<String>, String::new());
    for line in markdown.lines().chain([""]) {
        if let Some(language) = &fence {
            if line.trim() == "```" {
                found.push(block(language, &heading, &text));
                (fence, text) = (None, String::new());
            } else {
                text.push_str(&format!("{line}\n"));
            }
        } else if let Some(indented) = line.strip_prefix("    ") {
            text.push_str(&format!("{indented}\n"));
        } else {
            if !text.is_empty() {
                found.push(block("", &heading, &text));
                text.clear();
            }
            if let Some(language) = line.strip_prefix("```") {
                fence = Some(language.trim().to_owned());
            } else if line.starts_with('#') {
                heading = line.trim_start_matches('#').trim().to_owned();
            }
        }
    }
    found
}

fn block(language: &str, heading: &str, text: &str) -> Block {
    let mut block = Block { kind: Kind::Unknown, heading: heading.to_owned(), text: text.to_owned() };
    block.kind = match language {
        "sql" => Kind::Sql,
        "mermaid" => Kind::Diagram,
        "ini" => Kind::Settings,
        "sh" => Kind::Tried,
        "" if block.commands().iter().all(|line| PROGRAMS.iter().any(|program| line.starts_with(program))) => Kind::Shell,
        _ => Kind::Unknown,
    };
    block
}

impl Block {
    /// Its commands, each on one line or on lines joined by quotes and backslashes, without trailing comments.
    pub fn commands(&self) -> Vec<String> {
        let (mut commands, mut open) = (Vec::new(), String::new());
        for line in self.text.lines() {
            open.push_str(line.split("  # ").next().unwrap_or_default().trim_end());
            if open.matches('\'').count().is_multiple_of(2) && !open.ends_with('\\') {
                commands.push(std::mem::take(&mut open));
            } else {
                open.push('\n');
            }
        }
        assert!(open.is_empty(), "a command does not end: {open}");
        commands
    }
}

/// The words of a command as a shell would split them.
pub fn words(command: &str) -> Vec<String> {
    let parts = command.split('\'').enumerate();
    parts
        .flat_map(|(index, part)| if index % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() })
        .collect()
}

#[test]
fn blocks_and_commands_are_told_apart() {
    let blocks =
        of("# A\n\n    make x   # why\n    curl -d '{\n      \"a\":1}' \\\n      b\n\n## B\n```sql\nselect 1;\n```\n    python x\n");
    let kinds: Vec<_> = blocks.iter().map(|block| (block.kind, block.heading.as_str())).collect();
    assert_eq!(kinds, [(Kind::Shell, "A"), (Kind::Sql, "B"), (Kind::Unknown, "B")]);
    assert_eq!(blocks[0].commands(), ["make x", "curl -d '{\n  \"a\":1}' \\\n  b"]);
    assert_eq!(words("create --name 'box office' x"), ["create", "--name", "box office", "x"]);
}
