//! Where segments begin: counted once, for the text that reads them and for the checks that compare them.

use super::Segment;

/// Where a segment begins in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// So many bytes after the start: everything before it has a fixed width.
    Start(usize),
    /// So many bytes before the end: it and everything after it has a fixed width.
    End(usize),
    /// Where the segment before it ends, which only the bytes of that segment define.
    Found,
}

/// The beginnings of segments, counted from the start where that can be done, else from the end.
pub(crate) fn begins(segments: &[Segment]) -> Vec<Begin> {
    let width = |segment: &Segment| segment.kind.fixed();
    let before = |index: usize| segments[..index].iter().map(width).sum::<Option<usize>>();
    let after = |index: usize| segments[index..].iter().map(width).sum::<Option<usize>>();
    let begin = |index| match (before(index), after(index)) {
        (Some(offset), _) => Begin::Start(offset),
        (None, Some(distance)) => Begin::End(distance),
        (None, None) => Begin::Found,
    };
    (0..segments.len()).map(begin).collect()
}
