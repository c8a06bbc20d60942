use alertwire_delivery::Shares;
use proptest::prelude::*;

const PLACES: usize = 1_024;

/// Takes all it gets, up to so many.
fn greedy(shares: &mut Shares<usize>, who: usize, most: usize) -> usize {
    while shares.held_by(who) < most && shares.take(who) {}
    shares.held_by(who)
}

#[test]
fn a_lone_integration_has_about_a_sixth_of_all_places() {
    assert_eq!(greedy(&mut Shares::new(PLACES), 0, usize::MAX), 179);
}

#[test]
fn a_hundred_hung_targets_leave_the_others_as_much_as_they_had() {
    let mut shares = Shares::new(PLACES);
    for hung in 0..100 {
        assert_eq!(greedy(&mut shares, hung, 8), 8);
    }
    for healthy in 100..1_000 {
        assert_eq!(greedy(&mut shares, healthy, 8), 8);
        (0..8).for_each(|_| assert_eq!(shares.give_back(healthy), None));
    }
}

#[test]
fn whoever_holds_nothing_and_finds_no_room_is_called_in_order_of_arrival() {
    let mut shares = Shares::new(2);
    assert!(shares.take(1) && shares.take(2));
    assert!(!shares.take(3) && !shares.take(4) && !shares.take(3));
    assert_eq!(shares.give_back(1), Some(3));
    assert!(!shares.take(5), "the place is kept for whoever was called");
    assert!(shares.take(3));
    assert_eq!(shares.give_back(2), Some(4));
    assert_eq!(shares.leave(4), Some(5), "it needs it no more");
    assert!(shares.take(5));
    assert_eq!(shares.give_back(3), None);
    assert_eq!(shares.free(), 1);
}

#[test]
fn one_that_holds_something_does_not_wait_in_the_list() {
    let mut shares = Shares::new(1);
    assert!(shares.take(1));
    assert!(!shares.take(1));
    assert_eq!(shares.give_back(1), None);
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Take(usize),
    GiveBack(usize),
    Leave(usize),
}

fn moves(crowd: usize) -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (0..crowd).prop_map(Move::Take),
        2 => (0..crowd).prop_map(Move::GiveBack),
        1 => (0..crowd).prop_map(Move::Leave),
    ]
}

proptest! {
    #[test]
    fn no_place_is_given_twice_and_none_is_lost(
        places in 1..40_usize,
        moves in proptest::collection::vec(moves(60), 0..400),
    ) {
        let mut shares = Shares::new(places);
        let mut held = [0_usize; 60];
        let mut called = std::collections::HashSet::new();
        for step in moves {
            match step {
                Move::Take(who) => {
                    let (free, was_called) = (shares.free(), called.remove(&who));
                    let may = shares.take(who);
                    held[who] += usize::from(may);
                    let (before, share) = (held[who] - usize::from(may), free.saturating_sub(places / 8) / 4);
                    prop_assert_eq!(may, was_called || (free > 0 && before < share.max(1)));
                }
                Move::GiveBack(who) if held[who] > 0 => {
                    held[who] -= 1;
                    called.extend(shares.give_back(who));
                }
                Move::GiveBack(_) => {}
                Move::Leave(who) => {
                    called.remove(&who);
                    called.extend(shares.leave(who));
                }
            }
            prop_assert_eq!(shares.free() + held.iter().sum::<usize>() + called.len(), places);
        }
    }

    #[test]
    fn the_greediest_crowd_leaves_newcomers_their_first_place(
        crowd in proptest::collection::vec(1..256_usize, 1..300),
        newcomers in 1..=PLACES / 8,
    ) {
        let mut shares = Shares::new(PLACES);
        let first = crowd.len();
        for (who, most) in crowd.iter().enumerate() {
            greedy(&mut shares, who, *most);
        }
        let found = (0..newcomers).filter(|newcomer| shares.take(first + newcomer)).count();
        // Beyond an eighth of all places it is the number of integrations that uses them up, not anybody's greed.
        prop_assert!(found == newcomers || found + first > PLACES / 8);
    }
}
