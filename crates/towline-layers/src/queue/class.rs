//! The waiters of one priority.

use super::Ticket;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_set},
    ops::Bound,
};
use tokio::time::Instant;
use towline_core::Text;

/// Start-time fair queueing between tenants.
///
/// Source: Goyal, Vin and Cheng, "Start-time fair queueing", SIGCOMM 1996.
pub(super) struct Class<T> {
    tickets: BTreeMap<u64, Slot<T>>,
    names: HashMap<Option<Text>, u64>,
    tenants: BTreeMap<u64, Tenant>,
    /// The first ticket of each tenant that waits, by its tag.
    ready: BTreeSet<Place>,
    /// Tenants that wait, by the tokens they wait for.
    heavy: BTreeSet<(u64, u64)>,
    /// Tenants that do not wait and were served ahead of others, by how far.
    idle: BTreeSet<(u64, u64)>,
    next: u64,
    /// Virtual time between the tenants: the tag of who was served last.
    time: u64,
    quantum: u64,
    /// How far the class itself was served.
    finish: u64,
}

/// The tag of a ticket, and which.
pub(super) type Place = (u64, u64);

struct Slot<T> {
    ticket: Ticket<T>,
    tenant: u64,
    /// Virtual time of the class when it came.
    start: u64,
    /// Virtual time between the classes when it came.
    joined: u64,
}

struct Tenant {
    name: Option<Text>,
    waiting: BTreeSet<u64>,
    /// Tokens that wait.
    weight: u64,
    /// How far it was served.
    served: Option<u64>,
}

// === impl Class ===

impl<T> Class<T> {
    pub(super) fn new(quantum: u64) -> Self {
        Self {
            tickets: BTreeMap::new(),
            names: HashMap::new(),
            tenants: BTreeMap::new(),
            ready: BTreeSet::new(),
            heavy: BTreeSet::new(),
            idle: BTreeSet::new(),
            next: 0,
            time: 0,
            quantum,
            finish: 0,
        }
    }

    pub(super) fn push(&mut self, seq: u64, ticket: Ticket<T>, joined: u64) {
        let id = self.tenant(&ticket);
        let tokens = ticket.tokens();
        let slot = Slot {
            tenant: id,
            start: self.time,
            joined,
            ticket,
        };
        self.tickets.insert(seq, slot);
        self.change(id, None, |tenant, _| {
            tenant.waiting.insert(seq);
            tenant.weight += tokens;
        });
    }

    /// Takes out a ticket that was not served.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Ticket<T>> {
        let slot = self.tickets.remove(&seq)?;
        let tokens = slot.ticket.tokens();
        self.change(slot.tenant, Some((seq, slot.start)), |tenant, _| {
            tenant.waiting.remove(&seq);
            tenant.weight -= tokens;
        });
        Some(slot.ticket)
    }

    /// Takes out a ticket that is served, and charges its tenant.
    pub(super) fn pop(&mut self, seq: u64, is_head: bool) -> Option<Ticket<T>> {
        if is_head && let Some((first, _)) = self.ready.first() {
            self.time = self.time.max(*first);
        }
        let slot = self.tickets.remove(&seq)?;
        let tokens = slot.ticket.tokens();
        self.change(slot.tenant, Some((seq, slot.start)), |tenant, tag| {
            tenant.waiting.remove(&seq);
            tenant.weight -= tokens;
            tenant.served = tag.map(|tag| tag.saturating_add(tokens));
        });
        self.forget();
        Some(slot.ticket)
    }

    pub(super) fn charge(&mut self, start: u64, price: u64) {
        self.finish = start.saturating_add(price);
    }

    /// Forgets everybody: where nobody waits, there is nobody to be fair to.
    pub(super) fn clear(&mut self) {
        self.names = HashMap::new();
        self.tenants.clear();
        self.idle.clear();
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Ticket<T>> {
        self.tickets.get(&seq).map(|slot| &slot.ticket)
    }

    /// Where the class stands between the others; none where nobody waits.
    pub(super) fn start(&self) -> Option<u64> {
        let (_, oldest) = self.tickets.first_key_value()?;
        Some(self.finish.max(oldest.joined))
    }

    /// Who is next.
    pub(super) fn first(&self) -> Option<u64> {
        self.ready.first().map(|(_, seq)| *seq)
    }

    pub(super) fn ready(&self) -> btree_set::Iter<'_, Place> {
        self.ready.iter()
    }

    /// Where the ticket stands that is first of its tenant.
    pub(super) fn tag(&self, seq: u64) -> Option<u64> {
        let slot = self.tickets.get(&seq)?;
        let served = self.tenants.get(&slot.tenant)?.served;
        Some(begin(served, slot.start, self.quantum))
    }

    /// The ticket of the same tenant after `seq`.
    pub(super) fn after(&self, seq: u64) -> Option<u64> {
        let slot = self.tickets.get(&seq)?;
        let tenant = self.tenants.get(&slot.tenant)?;
        let after = (Bound::Excluded(seq), Bound::Unbounded);
        tenant.waiting.range(after).next().copied()
    }

    pub(super) fn victim(&self) -> Option<u64> {
        let (_, id) = self.heavy.last()?;
        self.tenants.get(id)?.waiting.last().copied()
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        let (_, oldest) = self.tickets.first_key_value()?;
        Some(oldest.ticket.since)
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.tenants.len()
    }

    fn tenant(&mut self, ticket: &Ticket<T>) -> u64 {
        if let Some(id) = self.names.get(&ticket.tenant) {
            return *id;
        }
        let id = self.next;
        self.next += 1;
        self.names.insert(ticket.tenant.clone(), id);
        let tenant = Tenant {
            name: ticket.tenant.clone(),
            waiting: BTreeSet::new(),
            weight: 0,
            served: None,
        };
        self.tenants.insert(id, tenant);
        id
    }

    /// Changes a tenant, knowing its tag, and what is sorted by it. `gone` is a ticket of it that was
    /// just taken out, and when it came.
    fn change(
        &mut self,
        id: u64,
        gone: Option<Place>,
        change: impl FnOnce(&mut Tenant, Option<u64>),
    ) {
        let Some(tenant) = self.tenants.get_mut(&id) else {
            return;
        };
        let (tickets, quantum) = (&self.tickets, self.quantum);
        let start = |seq: u64| match gone {
            Some((gone, start)) if gone == seq => Some(start),
            _ => tickets.get(&seq).map(|slot| slot.start),
        };
        let place = tenant.place(start, quantum);
        match (place, tenant.served) {
            (Some(place), _) => {
                self.ready.remove(&place);
                self.heavy.remove(&(tenant.weight, id));
            }
            (None, Some(served)) => {
                self.idle.remove(&(served, id));
            }
            (None, None) => {}
        }
        change(tenant, place.map(|(tag, _)| tag));
        match (tenant.place(start, quantum), tenant.served) {
            (Some(place), _) => {
                self.ready.insert(place);
                self.heavy.insert((tenant.weight, id));
            }
            (None, Some(served)) => {
                self.idle.insert((served, id));
            }
            (None, None) => {
                self.names.remove(&tenant.name);
                self.tenants.remove(&id);
            }
        }
    }

    /// Forgets tenants that are behind by now, as new ones are.
    fn forget(&mut self) {
        while let Some((served, id)) = self.idle.first().copied()
            && served < self.time
        {
            self.idle.remove(&(served, id));
            if let Some(tenant) = self.tenants.remove(&id) {
                self.names.remove(&tenant.name);
            }
        }
    }
}

// === impl Tenant ===

impl Tenant {
    /// The first of its tickets, by its tag. `start` knows when tickets came.
    fn place(&self, start: impl Fn(u64) -> Option<u64>, quantum: u64) -> Option<Place> {
        let seq = *self.waiting.first()?;
        Some((begin(self.served, start(seq)?, quantum), seq))
    }
}

/// A tenant goes on where it was served to, or comes anew.
fn begin(served: Option<u64>, start: u64, quantum: u64) -> u64 {
    match served {
        Some(served) if served >= start => served,
        _ => start.saturating_add(quantum),
    }
}
