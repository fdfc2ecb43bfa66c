//! Taking a YAML stream apart into its documents, so that one that is broken doesn't spoil the others.

/// One document of a YAML stream, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) text: &'a str,
    /// The line of the file that the text begins at, from 1.
    pub(super) first_line: usize,
    /// The line of the file that the content begins at, from 1.
    pub(super) content_line: usize,
}

/// The documents that have content, in their order.
///
/// A line that begins with `---` or `...`, alone or before white space, ends a document wherever it stands: YAML
/// forbids it within one, be it in a block scalar or between quotes, so that no parser is needed to find it.
pub(super) fn split(stream: &str) -> Vec<Chunk<'_>> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut content_line) = (0, 1, None);
    let mut offset = 0;
    for (index, line) in stream.split_inclusive('\n').enumerate() {
        let (number, end) = (index + 1, offset + line.len());
        let mut content = line;
        let starts = is_marker(line, "---");
        if starts || is_marker(line, "...") {
            // `---` belongs to the document that it begins, `...` to none.
            if let Some(content_line) = content_line.take() {
                chunks.push(Chunk { text: &stream[start..offset], first_line, content_line });
            }
            (start, first_line) = if starts { (offset, number) } else { (end, number + 1) };
            content = &line[3..];
        }
        if content_line.is_none() && has_content(content) {
            content_line = Some(number);
        }
        offset = end;
    }
    if let Some(content_line) = content_line {
        chunks.push(Chunk { text: &stream[start..], first_line, content_line });
    }
    chunks
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Is there more than white space, a comment or a directive?
fn has_content(line: &str) -> bool {
    !line.starts_with('%') && !matches!(line.trim_start().chars().next(), None | Some('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<(&str, usize)> {
        split(stream).into_iter().map(|chunk| (chunk.text, chunk.content_line)).collect()
    }

    #[test]
    fn a_stream_is_split_at_its_markers() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), [("a: 1\n", 1), ("---\nb: 2\n", 3)]);
        assert_eq!(texts("---\r\na: 1\r\n--- \r\nb: 2"), [("---\r\na: 1\r\n", 2), ("--- \r\nb: 2", 4)]);
        assert_eq!(texts("a: 1\n...\nb: 2"), [("a: 1\n", 1), ("b: 2", 3)]);
        assert_eq!(texts("--- {a: 1}\n--- {b: 2}"), [("--- {a: 1}\n", 1), ("--- {b: 2}", 2)]);
    }

    #[test]
    fn documents_without_content_are_left_out() {
        assert!(split("").is_empty());
        assert!(split("# nothing\n---\n\n---\n  # here\n...\n").is_empty());
        assert_eq!(texts("%YAML 1.2\n---\na: 1\n"), [("---\na: 1\n", 3)]);
        assert_eq!(texts("\u{feff}# first\n\na: 1\n"), [("# first\n\na: 1\n", 3)]);
    }

    #[test]
    fn dashes_inside_a_block_scalar_or_a_word_split_nothing() {
        let stream = "text: |\n  ---\n  # not a comment\nother: ---x\n---x: 1\n";
        assert_eq!(split(stream).len(), 1);
    }

    #[test]
    fn a_chunk_knows_its_line() {
        let chunk = split("# one\n---\n# two\n\na: 1\n")[0];
        assert_eq!((chunk.first_line, chunk.content_line), (2, 5));
    }
}
