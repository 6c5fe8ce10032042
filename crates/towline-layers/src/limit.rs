//! Admits calls by requests and tokens per minute and by slots, in one step, fairly.

mod config;
mod demand;
mod future;
mod gcra;
mod guess;
mod held;
mod lane;
mod lanes;
mod layer;
mod ledger;
mod local;
mod meter;
mod quota;
mod refusal;
mod store;

pub use self::{
    config::{Charge, KeyFn, LimitConfig, LimitKey, Mode},
    demand::{Demand, Dimension, Spent},
    future::LimitFuture,
    layer::{Limit, LimitHandle, LimitLayer},
    local::{LocalBucket, LocalReservation, LocalStore},
    quota::{Quota, Quotas},
    store::{Booking, Bucket, Key, Oversize, Reason, Refund, Rules, Store, Verdict, Wait},
};
