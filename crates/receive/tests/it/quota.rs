use std::num::NonZeroU32;
use std::time::Duration;

use alertwire_receive::{Raise, RaiseError, Refusal, Wanted};
use bytes::Bytes;
use domain::CompanyId;
use domain::access::{Actor, Scope};
use domain::catalogue::{Record, Value};
use domain::company::Quota;
use store::{Change, EventQuery, PageAt};

use crate::house::{House, SAMPLE, SECRET, header_map};

async fn limit(house: &House, company: CompanyId, per_second: u32) {
    let configuration = house.store.configuration().await.unwrap();
    let mut company = (**configuration.company(company).unwrap()).clone();
    company.quota =
        NonZeroU32::new(per_second).map(|events_per_second| Quota { events_per_second });
    let change = Change::UpdateCompany(company);
    house
        .store
        .change(change, &Actor::Local, house.clock.now())
        .await
        .unwrap();
}

async fn stored(house: &House) -> usize {
    let page = house
        .store
        .events(&Scope::All, &EventQuery::default(), &PageAt::default())
        .await;
    page.unwrap().items.len()
}

async fn raise(house: &House, companies: &[CompanyId]) -> Result<(), RaiseError> {
    let mut record = Record::new();
    record.insert("ip", Value::Text("10.0.0.1".to_owned()));
    let raises = companies.iter().map(|company| Raise {
        kind: "system.asset_added".to_owned(),
        company: *company,
        records: vec![record.clone()],
        severity: None,
        occurred_at: None,
    });
    let (raw, headers) = (Bytes::from_static(b"{}"), header_map(&[]));
    let raised = house
        .receiver
        .raise(raw, &headers, raises.collect(), None, Wanted::All);
    raised.await.map(drop)
}

#[tokio::test]
async fn what_comes_faster_than_the_quota_is_refused_and_not_stored() {
    let house = House::new().await;
    let source = house.source(|_| {}).await;
    limit(&house, house.acme, 2).await;
    let headers = [("x-api-key", SECRET)];
    for _ in 0..2 {
        house.post(source, &headers, SAMPLE).await.unwrap();
    }
    let refused = house.post(source, &headers, SAMPLE).await;
    let Err(Refusal::OverQuota { wait }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(wait, Duration::from_millis(500));
    assert_eq!(stored(&house).await, 2);
    let raised = raise(&house, &[house.acme]).await;
    assert!(matches!(raised, Err(RaiseError::OverQuota { .. })));
    assert_eq!(stored(&house).await, 2, "both doors share the quota");
    house.clock.advance(wait);
    house.post(source, &headers, SAMPLE).await.unwrap();
}

#[tokio::test]
async fn one_company_s_quota_is_nothing_to_another() {
    let house = House::new().await;
    limit(&house, house.acme, 1).await;
    raise(&house, &[house.acme]).await.unwrap();
    raise(&house, &[house.acme]).await.unwrap_err();
    for _ in 0..10 {
        raise(&house, &[house.other]).await.unwrap();
    }
    raise(&house, &[house.other, house.acme]).await.unwrap_err();
    limit(&house, house.acme, 0).await;
    raise(&house, &[house.acme, house.acme]).await.unwrap();
}

#[tokio::test]
async fn a_batch_larger_than_a_second_s_worth_passes_and_is_owed() {
    let house = House::new().await;
    limit(&house, house.acme, 10).await;
    raise(&house, &[house.acme; 30]).await.unwrap();
    let refused = raise(&house, &[house.acme]).await;
    let Err(RaiseError::OverQuota { wait }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(wait, Duration::from_millis(2_100));
    house.clock.advance(wait);
    raise(&house, &[house.acme]).await.unwrap();
}
