//! The router: whatever it is told, in whatever order, its books stay in order.

mod books;
mod scenario;

use arbitrary::Unstructured;
use vrrp_core::{Input, Router, Time};

use books::Books;
use scenario::{Facts, Step};

/// The most facts of one run.
const STEPS: usize = 200;

/// Makes a configuration and a sequence of facts from bytes, and checks after each that the books are in order.
pub fn router(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok(Some(config)) = scenario::config(&mut bytes) else { return };
    let mut router = Router::new(config);
    let mut books = Books::default();
    let mut now = Time::from_millis(1000);
    // The first fact starts everything, whatever it is.
    books.handle(&mut router, now, Input::Tick, usize::MAX);
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        let Ok(step) = scenario::step(&mut bytes, &Facts::of(&router, now)) else { break };
        match step {
            Step::Pass(span) => now = now + span,
            Step::ToDeadline(late) => now = router.deadline().unwrap_or(now).max(now) + late,
            Step::Tell { input, take, stale } => {
                let told = now.saturating_sub(stale);
                books.handle(&mut router, told, input.as_input(now), take);
            }
        }
    }
    // Whatever was left pending is taken, every timer that is due fires, and then there is time.
    books.handle(&mut router, now, Input::Tick, usize::MAX);
    assert!(
        router.deadline().is_none_or(|deadline| deadline > now),
        "drained, ticked, and still in the past"
    );
    books.handle(&mut router, now, Input::Shutdown, usize::MAX);
    books.holds_nothing();
}
