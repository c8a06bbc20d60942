use alertwire_delivery::{Lane, Queue};
use domain::CompanyId;
use proptest::prelude::*;

use crate::{at, rng};

fn companies(count: usize) -> Vec<CompanyId> {
    let mut rng = rng(5);
    (0..count)
        .map(|_| CompanyId::new(at(0), &mut rng))
        .collect()
}

fn drain(queue: &mut Queue<(Lane, usize)>) -> Vec<(Lane, usize)> {
    std::iter::from_fn(|| queue.pop()).collect()
}

#[test]
fn companies_take_turns_whatever_their_number_of_alerts() {
    let companies = companies(2);
    let mut queue = Queue::default();
    (0..100).for_each(|_| queue.push(Lane::FirstTry, companies[0], (Lane::FirstTry, 0)));
    queue.push(Lane::FirstTry, companies[1], (Lane::FirstTry, 1));
    let place = drain(&mut queue)
        .iter()
        .position(|(_, company)| *company == 1);
    assert_eq!(place, Some(1));
}

#[test]
fn no_lane_starves_another() {
    let companies = companies(1);
    let mut queue = Queue::default();
    for lane in [Lane::Critical, Lane::FirstTry, Lane::Retry] {
        (0..100).for_each(|_| queue.push(lane, companies[0], (lane, 0)));
    }
    let first: Vec<_> = drain(&mut queue)
        .into_iter()
        .take(16)
        .map(|(lane, _)| lane)
        .collect();
    let count = |lane| first.iter().filter(|known| **known == lane).count();
    assert_eq!(
        (
            count(Lane::Critical),
            count(Lane::FirstTry),
            count(Lane::Retry)
        ),
        (6, 6, 4)
    );
}

#[test]
fn a_crowd_is_counted_over_all_lanes() {
    let companies = companies(2);
    let mut queue = Queue::default();
    queue.push(Lane::Critical, companies[0], 0);
    queue.push(Lane::Retry, companies[0], 1);
    queue.push(Lane::FirstTry, companies[1], 2);
    assert_eq!(queue.crowded(2), [companies[0]].into());
    assert_eq!(queue.crowded(3).len(), 0);
}

#[test]
fn what_is_not_retained_is_gone_and_the_others_keep_their_order() {
    let companies = companies(3);
    let mut queue = Queue::default();
    for number in 0..9 {
        let lane = [Lane::Critical, Lane::FirstTry][number % 2];
        queue.push(lane, companies[number % 3], (lane, number));
    }
    // All of one company go, and some of another.
    queue.retain(|(_, number)| number % 3 != 0 && *number != 4);
    assert_eq!((queue.len(), queue.iter().count()), (5, 5));
    let mut left = drain(&mut queue);
    assert!(queue.is_empty());
    left.sort_by_key(|(_, number)| *number);
    let numbers: Vec<_> = left.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [1, 2, 5, 7, 8]);
}

#[test]
fn a_lane_follows_from_urgency_and_attempts() {
    assert_eq!(Lane::of(true, 5), Lane::Critical);
    assert_eq!(Lane::of(false, 0), Lane::FirstTry);
    assert_eq!(Lane::of(false, 1), Lane::Retry);
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_once_and_nobody_waits_for_more_than_a_round(
        pushes in proptest::collection::vec((0..3_usize, 0..5_usize), 0..200),
    ) {
        let companies = companies(5);
        let mut queue = Queue::default();
        for (number, (lane, company)) in pushes.iter().enumerate() {
            let lane = [Lane::Critical, Lane::FirstTry, Lane::Retry][*lane];
            queue.push(lane, companies[*company], (number, lane, *company));
        }
        prop_assert_eq!(queue.len(), pushes.len());
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        prop_assert!(queue.is_empty());
        let mut numbers: Vec<_> = popped.iter().map(|(number, ..)| *number).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..pushes.len()).collect::<Vec<_>>());
        // Each company's first item of a lane is out before any other company has five of that lane out.
        for lane in [Lane::Critical, Lane::FirstTry, Lane::Retry] {
            let order: Vec<_> = popped.iter().filter(|(_, known, _)| *known == lane).map(|(.., company)| *company).collect();
            for company in 0..5 {
                if let Some(first) = order.iter().position(|known| *known == company) {
                    prop_assert!(first < 5);
                }
            }
        }
    }

    #[test]
    fn no_company_waits_longer_than_a_round_of_lanes_and_companies_whatever_the_others_push(
        noise in proptest::collection::vec((0..3_usize, 0..4_usize), 50..400),
        lane in 0..3_usize,
    ) {
        const LANES: [Lane; 3] = [Lane::Critical, Lane::FirstTry, Lane::Retry];
        let companies = companies(5);
        let mut queue = Queue::default();
        for (lane, company) in &noise {
            queue.push(LANES[*lane], companies[*company], false);
        }
        queue.push(LANES[lane], companies[4], true);
        // Of eight turns each lane has two at least, and of five companies each has every fifth turn of its lane.
        let mut turns = 0;
        for (lane, company) in noise.iter().cycle() {
            turns += 1;
            if queue.pop().expect("it is refilled each turn") {
                break;
            }
            queue.push(LANES[*lane], companies[*company], false);
            prop_assert!(turns < 5 * 8, "{turns} turns");
        }
    }
}
