//! What a lane reads out of the stored functions' answers, whatever the API refuses before it comes to that.

use pretty_assertions::assert_eq;
use rowlock::db::Endpoint;
use rowlock::db::batches::LaneClient;
use rowlock::domain::{ClaimOutcome, ClaimRequest, SeatRef, Wanted};
use uuid::Uuid;

use super::concert;

fn request(event_id: i64, wanted: Wanted) -> ClaimRequest {
    ClaimRequest { event_id, order_id: Uuid::now_v7(), customer_id: "ann".to_owned(), idempotency: None, wanted }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_claim_is_read_as_what_it_is() {
    let (server, event, _) = concert(10).await;
    let endpoint = Endpoint::new(&server.database_url, None).expect("a URL");
    let client = LaneClient::prepare(endpoint.connect_as_app().await.expect("a connection")).await.expect("a client");
    let seat = |section_no, seat_no| SeatRef { section_no, seat_no };
    let before = server.trace().await;

    let seats = [
        (vec![], ClaimOutcome::TooManySeats),
        (vec![seat(3, 1)], ClaimOutcome::SectionNotFound),
        (vec![seat(1, 1), seat(2, 21)], ClaimOutcome::SeatNotFound(vec![seat(2, 21)])),
        (vec![seat(1, 1), seat(1, 1)], ClaimOutcome::DuplicateSeat),
        ((1..=11).map(|number| seat(1, number)).collect(), ClaimOutcome::CustomerLimit),
    ];
    let best = [((1, 101), ClaimOutcome::TooManySeats), ((3, 1), ClaimOutcome::SectionNotFound), ((1, 11), ClaimOutcome::CustomerLimit)];
    let seats = seats.map(|(seats, outcome)| (Wanted::Seats(seats), outcome));
    let best = best.map(|((section_no, quantity), outcome)| (Wanted::BestAvailable { section_no, quantity }, outcome));
    let requests = |asked: &[(Wanted, ClaimOutcome)]| asked.iter().map(|(wanted, _)| request(event.id, wanted.clone())).collect::<Vec<_>>();
    let expected = |asked: &[(Wanted, ClaimOutcome)]| asked.iter().map(|(_, outcome)| Some(outcome.clone())).collect::<Vec<_>>();
    let (named, searches) = (requests(&seats), requests(&best));
    let answers = client.claim_seats(event.id, &named.iter().collect::<Vec<_>>()).await.expect("answers");
    assert_eq!(answers, expected(&seats));
    let answers = client.claim_best_available(event.id, &searches.iter().collect::<Vec<_>>()).await.expect("answers");
    assert_eq!(answers, expected(&best));
    let nowhere = event.id + 1;
    let asked = request(nowhere, Wanted::Seats(vec![seat(1, 1)]));
    assert_eq!(client.claim_seats(nowhere, &[&asked]).await.expect("answers"), [Some(ClaimOutcome::EventNotFound)]);
    assert_eq!(server.trace().await, before);
}
