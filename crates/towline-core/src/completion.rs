//! The whole answer of a model.
/// The whole answer of a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Completion {}
impl Completion {
    /// Whether nothing was delivered.
    #[must_use]
    pub const fn is_empty(&self) -> bool { true }
}
