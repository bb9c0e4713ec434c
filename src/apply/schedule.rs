//! Work in the order of its dependencies, as much of it at once as they allow.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

/// How many stacks are worked on at once.
const THREADS: usize = 8;

struct Board {
    waiting: Vec<usize>,
    running: usize,
    done: BTreeSet<usize>,
    /// Something failed: what has not begun does not begin.
    stopped: bool,
}

/// Calls `work` for each of `which` after everything in `needs` of it is done, and for no other
/// once a call has answered `false`. Those that need something that is not in `which` do not wait
/// for it.
pub(crate) fn schedule(
    which: &[usize],
    needs: impl Fn(usize) -> Vec<usize> + Sync,
    work: impl Fn(usize) -> bool + Sync,
) {
    let board = Mutex::new(Board {
        waiting: which.to_vec(),
        running: 0,
        done: BTreeSet::new(),
        stopped: false,
    });
    let turn = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(which.len()) {
            scope.spawn(|| {
                let mut own = board.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    if own.stopped || own.waiting.is_empty() {
                        break;
                    }
                    let ready = own
                        .waiting
                        .iter()
                        .position(|at| needs(*at).iter().all(|need| own.done.contains(need)));
                    match ready {
                        Some(place) => {
                            let at = own.waiting.remove(place);
                            own.running += 1;
                            drop(own);
                            let well = work(at);
                            own = board.lock().unwrap_or_else(PoisonError::into_inner);
                            own.running -= 1;
                            own.stopped |= !well;
                            own.done.insert(at);
                            turn.notify_all();
                        }
                        // Nothing runs that could make anything ready.
                        None if own.running == 0 => break,
                        None => own = turn.wait(own).unwrap_or_else(PoisonError::into_inner),
                    }
                }
                turn.notify_all();
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_a_failure_stops_the_rest() {
        // 0 <- 1 <- 3, 0 <- 2, and 2 fails.
        let needs = |at: usize| match at {
            1 | 2 => vec![0],
            3 => vec![1, 2],
            _ => Vec::new(),
        };
        let seen = Mutex::new(Vec::new());
        schedule(&[3, 2, 1, 0], needs, |at| {
            seen.lock().unwrap().push(at);
            true
        });
        let order = seen.into_inner().unwrap();
        let place = |at| order.iter().position(|one| *one == at).unwrap();
        assert_eq!(order.len(), 4);
        assert!(place(0) < place(1) && place(0) < place(2) && place(3) == 3);

        let seen = Mutex::new(Vec::new());
        schedule(&[0, 1, 2, 3], needs, |at| {
            seen.lock().unwrap().push(at);
            at != 2
        });
        assert!(!seen.into_inner().unwrap().contains(&3));
    }

    #[test]
    fn what_can_never_be_ready_ends_the_work() {
        let seen = Mutex::new(Vec::new());
        schedule(
            &[0, 1],
            |at| vec![1 - at],
            |at| {
                seen.lock().unwrap().push(at);
                true
            },
        );
        assert!(seen.into_inner().unwrap().is_empty());
    }
}
