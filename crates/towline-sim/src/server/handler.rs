//! One request, from its head to the body of its answer.

use super::{Shared, body::ReplyBody, tap::Tap};
use crate::{
    call::Call,
    dialect::{self, Dialect, Scene},
    fault::{Fault, Performance, Step, arrange},
    journal::{Facts, Outcome, Ticket},
    plan::{NotHttp, Plan, header, status},
    reply::{Reply, ReplyKind},
    rule::Decision,
};
use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH},
};
use http_body::Body;
use hyper::body::Incoming;
use std::{collections::VecDeque, future, io, mem, pin::Pin, sync::Arc, time::Duration};

/// A request body above this is refused with 413.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Answers one request.
pub(super) async fn serve(
    shared: Arc<Shared>,
    tap: Arc<Tap>,
    connection: u64,
    request: Request<Incoming>,
) -> io::Result<Response<ReplyBody>> {
    let (head, body) = request.into_parts();
    let version = head.version;
    let body = read(body).await?;
    let too_large = body.is_none();
    let (facts, mut ticket) = shared.journal.open(|id| Facts {
        id,
        connection,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(ToOwned::to_owned),
        headers: head.headers,
        body: body.unwrap_or_default(),
    });
    let call = Call::new(facts);
    let mut performance = perform(&shared, &call, too_large);
    for stall in mem::take(&mut performance.before_head) {
        stall.wait().await;
    }
    if performance.reset_head {
        ticket.end(Outcome::Broken);
        tap.reset();
        future::pending::<()>().await;
    }
    ticket.head(performance.status.as_u16(), performance.streamed);
    Ok(respond(performance, version, tap, ticket))
}

/// Decides what happens: rules first, then the dialect's own answer.
fn perform(shared: &Shared, call: &Call, too_large: bool) -> Performance {
    let dialect = dialect::of(call);
    let scene = Scene {
        settings: &shared.settings,
        memory: &shared.memory,
        call,
    };
    if too_large {
        let plan = dialect.error(&scene, StatusCode::PAYLOAD_TOO_LARGE);
        return arrange(plan, &[]);
    }
    if let Some(refusal) = dialect.check_key(&scene) {
        return arrange(refusal, &[]);
    }
    let Decision { reply, faults } = shared.rules.decide(call);
    let planned = resolved(&scene, dialect, faults)
        .and_then(|faults| Ok((plan(&scene, dialect, reply, &faults)?, faults)))
        .and_then(|(plan, faults)| Ok((with_headers(plan, &faults)?, faults)));
    match planned {
        Ok((plan, faults)) => arrange(plan, &faults),
        Err(NotHttp(reason)) => {
            let text = format!("towline-sim: a rule cannot be carried out: {reason}\n");
            let plan = Plan::text(StatusCode::INTERNAL_SERVER_ERROR, text);
            arrange(plan, &[])
        }
    }
}

fn with_headers(mut plan: Plan, faults: &[Fault]) -> Result<Plan, NotHttp> {
    for fault in faults {
        if let Fault::Header(name, value) = fault {
            let (name, value) = header(name, value)?;
            plan.headers.insert(name, value);
        }
    }
    Ok(plan)
}

/// Puts the dialect's own error into the faults that ask for it.
fn resolved(
    scene: &Scene<'_>,
    dialect: &dyn Dialect,
    faults: Vec<Fault>,
) -> Result<Vec<Fault>, NotHttp> {
    let each = faults.into_iter().map(|fault| match fault {
        Fault::InBandStatus {
            after_events,
            status: number,
            goes_on,
        } => Ok(Fault::InBandError {
            after_events,
            body: dialect.in_band(scene, status(number)?),
            event: None,
            goes_on,
        }),
        fault => Ok(fault),
    });
    each.collect()
}

fn plan(
    scene: &Scene<'_>,
    dialect: &dyn Dialect,
    reply: Option<Reply>,
    faults: &[Fault],
) -> Result<Plan, NotHttp> {
    let replaced = faults.iter().rev().find_map(|fault| match fault {
        Fault::Status {
            status,
            headers,
            body,
        } => Some((*status, headers, body)),
        _ => None,
    });
    if let Some((number, headers, body)) = replaced {
        let status = status(number)?;
        let mut plan = dialect.error(scene, status);
        if let Some(body) = body {
            let scripted = Plan::scripted(status, body);
            plan.headers.extend(scripted.headers);
            plan.payload = scripted.payload;
        }
        for (name, value) in headers {
            let (name, value) = header(name, value)?;
            plan.headers.insert(name, value);
        }
        return Ok(plan);
    }
    Ok(match reply.map(|reply| reply.kind) {
        None => dialect.answer(scene),
        Some(ReplyKind::Turn(turn)) => dialect.say(scene, turn),
        Some(ReplyKind::Json { status: n, value }) => {
            let mut plan = Plan::json(status(n)?, &value);
            plan.headers.extend(dialect.headers(scene));
            plan
        }
        Some(ReplyKind::Sse(events)) => {
            let mut plan = Plan::sse(events);
            plan.headers.extend(dialect.headers(scene));
            plan
        }
        Some(ReplyKind::Lines(lines)) => {
            let mut plan = Plan::lines(&lines, Duration::ZERO);
            plan.headers.extend(dialect.headers(scene));
            plan
        }
        Some(ReplyKind::Raw(raw)) => Plan::raw(&raw)?,
    })
}

fn respond(
    performance: Performance,
    version: Version,
    tap: Arc<Tap>,
    ticket: Ticket,
) -> Response<ReplyBody> {
    tap.set_one_byte(performance.one_byte);
    if let Some(delta) = performance.length_error {
        return respond_with_wrong_length(performance, delta, version, tap, ticket);
    }
    let sized = performance.length.is_some();
    let mut headers = performance.headers;
    if let Some(length) = performance.length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let body =
        ReplyBody::new(performance.steps, sized, tap, ticket).close_after(performance.close_after);
    assemble(performance.status, headers, body)
}

/// hyper does not write a length that is not true. On HTTP/1 the whole answer is written here and
/// put in place of an empty one; on HTTP/2 the header is only a claim, and hyper passes it on.
fn respond_with_wrong_length(
    performance: Performance,
    delta: i64,
    version: Version,
    tap: Arc<Tap>,
    ticket: Ticket,
) -> Response<ReplyBody> {
    let body = joined(&performance.steps);
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let claimed = length.saturating_add_signed(delta);
    let mut headers = performance.headers;
    headers.insert(CONTENT_LENGTH, HeaderValue::from(claimed));
    if version == Version::HTTP_2 {
        let body = ReplyBody::new(performance.steps, false, tap, ticket);
        return assemble(performance.status, headers, body);
    }
    ticket.sent(body.len(), true);
    tap.write_instead(written_out(performance.status, &headers, &body));
    let mut stand_in = HeaderMap::new();
    if claimed > length {
        // The client waits for bytes that never come: only the close tells it.
        stand_in.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let body = ReplyBody::new(VecDeque::new(), true, tap, ticket);
    assemble(performance.status, stand_in, body)
}

fn assemble(status: StatusCode, headers: HeaderMap, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn written_out(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    let reason = status.canonical_reason().unwrap_or("Unknown");
    out.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out.freeze()
}

fn joined(steps: &VecDeque<Step>) -> Bytes {
    let mut body = BytesMut::new();
    for step in steps {
        if let Step::Data { bytes, .. } = step {
            body.extend_from_slice(bytes);
        }
    }
    body.freeze()
}

/// Reads a body to its end; `None` when it is larger than [`MAX_BODY`].
async fn read(mut body: Incoming) -> io::Result<Option<Bytes>> {
    let mut read = BytesMut::new();
    while let Some(frame) = future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else {
            continue;
        };
        if read.len() + data.len() > MAX_BODY {
            return Ok(None);
        }
        read.extend_from_slice(&data);
    }
    Ok(Some(read.freeze()))
}
