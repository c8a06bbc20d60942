use axum::Json;
use axum::extract::State;
use domain::{EventId, MessageId};
use serde::{Deserialize, Serialize};
use store::{KeptReceipt, ReceiptState};
use utoipa::ToSchema;

use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::{Admin, Form};

/// Most receipts of one request.
const RECEIPTS: usize = 1_000;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReceiptsForm {
    /// What senders were answered with 202, at most 1,000.
    receipts: Vec<ReceiptForm>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReceiptForm {
    id: String,
    sha256: String,
    events: Vec<String>,
}

/// What became of the messages that were acked.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ReceiptsView {
    /// Each is there, unchanged, or may have been pruned.
    whole: bool,
    kept: u64,
    /// Not there; messages of their day were pruned.
    pruned: u64,
    faults: Vec<ReceiptFault>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptFault {
    id: String,
    /// `altered`, `event_gone` or `missing`.
    #[schema(value_type = String)]
    state: &'static str,
}

/// Prove that what senders were answered is there, unchanged.
#[utoipa::path(post, path = "/api/v1/journal/receipts", tag = "journal", request_body = ReceiptsForm,
    responses((status = 200, body = ReceiptsView)))]
pub(crate) async fn receipts(
    app: State<App>,
    Admin(_): Admin,
    Form(form): Form<ReceiptsForm>,
) -> Answer<ReceiptsView> {
    let receipts = form.parse()?;
    let mut view = ReceiptsView::default();
    for receipt in &receipts {
        let state = match app.store().prove_receipt(receipt).await? {
            ReceiptState::Kept => {
                view.kept += 1;
                continue;
            }
            ReceiptState::Pruned => {
                view.pruned += 1;
                continue;
            }
            ReceiptState::Altered => "altered",
            ReceiptState::EventGone => "event_gone",
            ReceiptState::Missing => "missing",
        };
        let id = receipt.id.to_string();
        view.faults.push(ReceiptFault { id, state });
    }
    view.whole = view.faults.is_empty();
    Ok(Json(view))
}

impl ReceiptsForm {
    fn parse(self) -> Result<Vec<KeptReceipt>, Problem> {
        let mut fields = Fields::default();
        fields.at_most("/receipts", self.receipts.len(), RECEIPTS);
        let mut receipts = Vec::with_capacity(self.receipts.len().min(RECEIPTS));
        for (place, form) in self.receipts.iter().take(RECEIPTS).enumerate() {
            let read = form.parse();
            receipts.extend(fields.take(&format!("/receipts/{place}"), read));
        }
        fields.finish()?;
        Ok(receipts)
    }
}

impl ReceiptForm {
    fn parse(&self) -> Result<KeptReceipt, &'static str> {
        let bad = "is no receipt: `id`, `sha256` and `events` of a 202";
        let id: MessageId = self.id.parse().map_err(|_| bad)?;
        let event = |text: &String| text.parse::<EventId>().map_err(|_| bad);
        Ok(KeptReceipt {
            id,
            sha256: digest(&self.sha256).ok_or(bad)?,
            events: self.events.iter().map(event).collect::<Result<_, _>>()?,
        })
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digit = |place: usize| u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = match text.len() {
        64 => (0..32).map(digit).collect(),
        _ => None,
    };
    bytes?.try_into().ok()
}
