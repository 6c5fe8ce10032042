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
        self.change(id, |tenant| {
            tenant.waiting.insert(seq);
            tenant.weight += tokens;
        });
    }

    /// Takes out a ticket that was not served.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Ticket<T>> {
        let slot = self.tickets.remove(&seq)?;
        let tokens = slot.ticket.tokens();
        // The tenant stands where its first ticket is: the slot is still needed to find it.
        self.change_without(slot.tenant, seq, slot.start, |tenant| {
            tenant.weight -= tokens;
        });
        Some(slot.ticket)
    }

    /// Takes out a ticket that is served, and charges its tenant.
    pub(super) fn pop(&mut self, seq: u64, is_head: bool) -> Option<Ticket<T>> {
        let slot = self.tickets.get(&seq)?;
        let tag = self.tenants.get(&slot.tenant).and_then(|t| self.place(t));
        let (tag, _) = tag?;
        if is_head && let Some((first, _)) = self.ready.first() {
            self.time = self.time.max(*first);
        }
        let slot = self.tickets.remove(&seq)?;
        let tokens = slot.ticket.tokens();
        self.change_without(slot.tenant, seq, slot.start, |tenant| {
            tenant.weight -= tokens;
            tenant.served = Some(tag.saturating_add(tokens));
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
        let tenant = self.tenants.get(&slot.tenant)?;
        self.place(tenant).map(|(tag, _)| tag)
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

    /// Where a tenant stands: it goes on where it was served to, or starts anew.
    fn place(&self, tenant: &Tenant) -> Option<Place> {
        let seq = *tenant.waiting.first()?;
        let start = self.tickets.get(&seq)?.start;
        Some((self.begin(tenant.served, start), seq))
    }

    fn begin(&self, served: Option<u64>, start: u64) -> u64 {
        match served {
            Some(served) if served >= start => served,
            _ => start.saturating_add(self.quantum),
        }
    }

    /// Changes a tenant, and what is sorted by it.
    fn change(&mut self, id: u64, change: impl FnOnce(&mut Tenant)) {
        let Some(mut tenant) = self.tenants.remove(&id) else {
            return;
        };
        let place = self.place(&tenant);
        self.unlist(id, &tenant, place);
        change(&mut tenant);
        self.enlist(id, tenant);
    }

    /// Changes a tenant whose ticket `seq`, that came at `start`, is taken out.
    fn change_without(&mut self, id: u64, seq: u64, start: u64, change: impl FnOnce(&mut Tenant)) {
        let Some(mut tenant) = self.tenants.remove(&id) else {
            return;
        };
        let place = match tenant.waiting.first() {
            Some(first) if *first == seq => Some((self.begin(tenant.served, start), seq)),
            _ => self.place(&tenant),
        };
        self.unlist(id, &tenant, place);
        tenant.waiting.remove(&seq);
        change(&mut tenant);
        self.enlist(id, tenant);
    }

    fn unlist(&mut self, id: u64, tenant: &Tenant, place: Option<Place>) {
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
    }

    fn enlist(&mut self, id: u64, tenant: Tenant) {
        match (self.place(&tenant), tenant.served) {
            (Some(place), _) => {
                self.ready.insert(place);
                self.heavy.insert((tenant.weight, id));
            }
            (None, Some(served)) => {
                self.idle.insert((served, id));
            }
            (None, None) => {
                self.names.remove(&tenant.name);
                return;
            }
        }
        self.tenants.insert(id, tenant);
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
