//! Which tool call a fragment belongs to.

use crate::{
    convert::answer::generated_id,
    wire::tool::{FunctionWire, ToolCallWire},
};
use towline_core::{Text, ToolCallDelta};

/// The calls of an answer, in the order in which they appeared.
#[derive(Debug, Default)]
pub(super) struct Calls {
    seen: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The server's own index, which may have gaps or be missing.
    index: Option<u64>,
    /// The server's own id, which may be missing.
    id: String,
    /// Whether the tool was named.
    named: bool,
}

// === impl Calls ===

impl Calls {
    pub(super) const fn any(&self) -> bool {
        !self.seen.is_empty()
    }

    /// A fragment as the contract has it: numbered from 0, with id and name when the call is new.
    pub(super) fn delta(
        &mut self,
        text: &Text,
        answer: &Text,
        wire: &ToolCallWire<'_>,
    ) -> ToolCallDelta {
        let nothing = FunctionWire::default();
        let function = wire.function.0.as_ref().unwrap_or(&nothing);
        let arguments = text.share(&function.arguments.0);
        match self.find(wire, !function.name.is_empty()) {
            Some(place) => {
                let delta = ToolCallDelta::new(place, arguments);
                match self.late_name(place, text, function) {
                    Some(name) => delta.with_name(name),
                    None => delta,
                }
            }
            None => self.begin(text, answer, wire, function, arguments),
        }
    }

    /// A fragment of the form before tools, in which there is only one call.
    pub(super) fn legacy(
        &mut self,
        text: &Text,
        answer: &Text,
        function: &FunctionWire<'_>,
    ) -> ToolCallDelta {
        let arguments = text.share(&function.arguments.0);
        if self.any() {
            return ToolCallDelta::new(0, arguments);
        }
        self.begin(text, answer, &ToolCallWire::default(), function, arguments)
    }

    fn begin(
        &mut self,
        text: &Text,
        answer: &Text,
        wire: &ToolCallWire<'_>,
        function: &FunctionWire<'_>,
        arguments: Text,
    ) -> ToolCallDelta {
        let place = self.seen.len();
        self.seen.push(Call {
            index: wire.index.0,
            id: wire.id.0.clone().into_owned(),
            named: !function.name.is_empty(),
        });
        let id = match &wire.id.0 {
            id if id.is_empty() => generated_id(answer, place),
            id => text.share(id),
        };
        ToolCallDelta::new(place, arguments)
            .with_id(id)
            .with_name(text.share(&function.name.0))
    }

    /// The name of a call whose fragments came in the wrong order.
    fn late_name(
        &mut self,
        place: usize,
        text: &Text,
        function: &FunctionWire<'_>,
    ) -> Option<Text> {
        let call = self.seen.get_mut(place).filter(|call| !call.named)?;
        call.named = !function.name.is_empty();
        call.named.then(|| text.share(&function.name.0))
    }

    /// By id where it is known, else by index, else the call before. A name under an id of its own
    /// begins a call, though some servers give every call the same index.
    fn find(&mut self, wire: &ToolCallWire<'_>, named: bool) -> Option<usize> {
        let (index, id) = (wire.index.0, &*wire.id.0);
        let place = self.place(index, id, named)?;
        if let Some(call) = self.seen.get_mut(place).filter(|call| call.id.is_empty()) {
            // An id that comes late: it is for finding only, the call has the one it was given.
            id.clone_into(&mut call.id);
        }
        Some(place)
    }

    fn place(&self, index: Option<u64>, id: &str, named: bool) -> Option<usize> {
        if !id.is_empty()
            && let Some(place) = self.seen.iter().position(|call| call.id == id)
        {
            return Some(place);
        }
        if index.is_some() {
            return self.seen.iter().rposition(|call| {
                let other = !id.is_empty() && !call.id.is_empty();
                call.index == index && !(named && other)
            });
        }
        if named || !id.is_empty() {
            None
        } else {
            self.seen.len().checked_sub(1)
        }
    }
}
