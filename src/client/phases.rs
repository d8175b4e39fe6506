//! How long a new connection took, as far as reqwest lets anybody see.
//!
//! A layer around reqwest's connector stamps start and end of each connection attempt. It runs
//! inside the request that asked for the connection, so a task-local cell tells whose it was;
//! a connection that is finished in the background, because the request found an idle one
//! meanwhile, belongs to nobody and is not added to any figure.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Layer, Service};

use crate::clock::Clock;

tokio::task_local! {
    static OPENED: Cell<Option<Duration>>;
}

/// Runs `request` and says how long the connection took that was opened for it, if one was.
pub(super) async fn watching<F: Future>(request: F) -> (F::Output, Option<Duration>) {
    OPENED
        .scope(Cell::new(None), async {
            let output = request.await;
            (output, OPENED.with(Cell::get))
        })
        .await
}

/// Stamps each connection attempt of the connector it is laid around.
#[derive(Debug, Clone)]
pub(super) struct StampConnections(pub(super) Clock);

impl<S> Layer<S> for StampConnections {
    type Service = Stamped<S>;

    fn layer(&self, inner: S) -> Stamped<S> {
        Stamped { inner, clock: self.0 }
    }
}

/// A connector with stamps.
#[derive(Debug, Clone)]
pub(super) struct Stamped<S> {
    inner: S,
    clock: Clock,
}

impl<S, R> Service<R> for Stamped<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let clock = self.clock;
        let asked = clock.now();
        let opening = self.inner.call(request);
        Box::pin(async move {
            let opened = opening.await;
            let took = clock.now().since(asked);
            // Not inside a request: a connection that nobody waits for any more.
            let _ = OPENED.try_with(|cell| cell.set(Some(took)));
            opened
        })
    }
}
