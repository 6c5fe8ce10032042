//! How an answer is cut into the pieces of a stream.

/// Characters of a piece of tool arguments.
const PIECE: usize = 8;

/// The words of `text`, each with the space after it, so that they join to the text again.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace)
}

/// The arguments of a tool call in pieces that respect nothing of their JSON.
pub(crate) fn fragments(arguments: &str) -> Vec<String> {
    let characters: Vec<char> = arguments.chars().collect();
    let pieces = characters.chunks(PIECE);
    pieces.map(|piece| piece.iter().collect()).collect()
}
