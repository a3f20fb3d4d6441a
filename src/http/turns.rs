//! Turns: on each worker the tenants take turns, so that one with many requests makes nobody wait for all of them; where
//! no tenant is asked, callers do.
//!
//! A worker runs what is ready in the order in which it came, and a small read runs there from its beginning to its
//! end. A tenant that floods would so be before everybody else with all that it has sent. Therefore a tenant begins only
//! a few requests in each round; a round is over when everything that was ready has had its go and the sockets have been
//! looked at again.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use actix_web::HttpRequest;
use tokio::sync::oneshot;

use super::admission::Party;

/// Requests that a party begins in a round on one worker: few enough for the others, and enough for a round to be worth
/// its making.
const IN_A_ROUND: usize = 4;

/// What is long is read page by page, and a page is as much as several requests.
fn in_a_round(party: Party) -> usize {
    match party {
        Party::Followers(_) => 1,
        _ => IN_A_ROUND,
    }
}

/// The parties that have begun something in this round of a worker, and who waits for the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Rc<RefCell<HashMap<Party, Turn>>>);

#[derive(Debug, Default)]
struct Turn {
    begun: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
}

impl Turn {
    /// Lets those begin whose turn it is; whether anybody was waiting.
    fn next_round(&mut self, most: usize) -> bool {
        let was_waited_for = !self.waiting.is_empty();
        self.begun = 0;
        while self.begun < most {
            let Some(next) = self.waiting.pop_front() else { break };
            // Whoever has gone meanwhile takes no turn.
            self.begun += usize::from(next.send(()).is_ok());
        }
        was_waited_for
    }
}

/// Waits until it is the party's turn on this worker.
pub(super) async fn wait(request: &HttpRequest, party: Party) {
    let Some(turns) = request.app_data::<Turns>() else { return };
    if let Some(turn) = turns.take(party) {
        // The sender is gone only when the worker is.
        let _begun = turn.await;
    }
}

impl Turns {
    /// Takes a turn in this round, or queues for one.
    fn take(&self, party: Party) -> Option<oneshot::Receiver<()>> {
        let mut parties = self.0.borrow_mut();
        if parties.is_empty() {
            actix_web::rt::spawn(self.clone().rounds());
        }
        let turn = parties.entry(party).or_default();
        if turn.begun < in_a_round(party) && turn.waiting.is_empty() {
            turn.begun += 1;
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        turn.waiting.push_back(sender);
        Some(receiver)
    }

    /// Goes round until nobody has begun anything.
    async fn rounds(self) {
        loop {
            tokio::task::yield_now().await;
            let mut parties = self.0.borrow_mut();
            parties.retain(|party, turn| turn.next_round(in_a_round(*party)));
            if parties.is_empty() {
                return;
            }
        }
    }
}
