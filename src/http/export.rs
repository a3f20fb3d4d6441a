//! An export of an audit log, page by page. For each page the caller is authenticated and permitted anew, so that an export
//! ends with its credential: without its last chunk, so that it cannot pass for whole.

use std::future::Future;
use std::pin::Pin;

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Schema};

use super::describe::{Describe, Sketch};
use super::reply::Reply;
use crate::domain::{AuditEntry, AuditFormat, Error, Page, Position, Result, Word};

/// The columns of the table.
const COLUMNS: &[&str] = &[
    "seq",
    "at",
    "tenant_ref",
    "actor",
    "actor_tenant_ref",
    "on_behalf",
    "account_id",
    "target_tenant_ref",
    "target_type",
    "target_id",
    "workspace_id",
    "resource_id",
    "action",
    "decision",
    "policies",
    "correlation_id",
    "request_id",
    "summary",
    "previous_hash",
    "hash",
];

type NextPage = Pin<Box<dyn Future<Output = Reply<Page<AuditEntry>>>>>;

/// The rows that follow, as far as they were not sent.
pub(super) struct Export {
    format: AuditFormat,
    first: Page<AuditEntry>,
    more: Box<dyn FnMut(Option<Position>) -> NextPage>,
}

impl Export {
    /// Reads the first page, so that a refusal is an answer like any other.
    pub(super) async fn begin<F>(format: Option<AuditFormat>, read: F) -> Reply<Self>
    where
        F: AsyncFn(Option<Position>) -> Reply<Page<AuditEntry>> + 'static,
    {
        let read = std::rc::Rc::new(read);
        let first = read(None).await?;
        let more = move |after| -> NextPage {
            let read = read.clone();
            Box::pin(async move { read(after).await })
        };
        let format = format.unwrap_or(AuditFormat::Ndjson);
        Ok(Self { format, first, more: Box::new(more) })
    }
}

/// What is still to be sent.
enum Rest {
    Page(Page<AuditEntry>),
    After(Position),
    Nothing,
}

impl Responder for Export {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Self { format, first, more } = self;
        let head = match format {
            AuditFormat::Ndjson => Ok(Vec::new()),
            AuditFormat::Csv => table(std::iter::once(COLUMNS.iter().map(ToString::to_string))),
        };
        let pages = futures_util::stream::unfold(
            (Rest::Page(first), more, Some(head)),
            move |(rest, mut more, mut head)| async move {
                let page = match rest {
                    Rest::Nothing => return None,
                    Rest::Page(page) => Ok(page),
                    Rest::After(position) => more(Some(position)).await,
                };
                // An export that ends early is cut off: nobody takes it for the whole.
                let Ok(page) = page else {
                    let cut = std::io::Error::other("the export was ended");
                    return Some((Err(cut), (Rest::Nothing, more, None)));
                };
                let bytes = head.take().unwrap_or(Ok(Vec::new())).and_then(|mut bytes| {
                    bytes.extend(lines(format, &page.items)?);
                    Ok(Bytes::from(bytes))
                });
                let rest = page.next.map_or(Rest::Nothing, Rest::After);
                Some((
                    bytes.map_err(|error| std::io::Error::other(error.to_string())),
                    (rest, more, None),
                ))
            },
        );
        let (media_type, name) = match format {
            AuditFormat::Ndjson => ("application/x-ndjson", "audit.ndjson"),
            AuditFormat::Csv => ("text/csv; charset=utf-8; header=present", "audit.csv"),
        };
        let disposition = format!("attachment; filename=\"{name}\"");
        HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((header::CONTENT_DISPOSITION, disposition))
            .streaming(pages)
    }
}

fn lines(format: AuditFormat, rows: &[AuditEntry]) -> Result<Vec<u8>> {
    match format {
        AuditFormat::Csv => table(rows.iter().map(cells)),
        AuditFormat::Ndjson => {
            let mut bytes = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut bytes, row)
                    .map_err(|error| Error::Internal(error.to_string()))?;
                bytes.push(b'\n');
            }
            Ok(bytes)
        }
    }
}

fn table(rows: impl Iterator<Item = impl Iterator<Item = String>>) -> Result<Vec<u8>> {
    let failed = |error: csv::Error| Error::Internal(error.to_string());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.map(|cell| neutral(&cell))).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Error::Internal(error.to_string()))
}

/// A cell that no spreadsheet takes for a formula: behind an apostrophe, where it begins like one.
fn neutral(cell: &str) -> String {
    if cell.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn cells(row: &AuditEntry) -> impl Iterator<Item = String> {
    fn or_empty<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    [
        row.seq.to_string(),
        row.at.to_string(),
        row.tenant_ref.clone(),
        row.actor.clone(),
        row.actor_tenant_ref.clone(),
        or_empty(row.on_behalf.as_ref()),
        or_empty(row.account_id.as_ref()),
        row.target_tenant_ref.clone(),
        row.target_type.clone(),
        row.target_id.clone(),
        or_empty(row.workspace_id.as_ref()),
        or_empty(row.resource_id.as_ref()),
        row.action.clone(),
        row.decision.as_str().to_owned(),
        row.policies.join(" "),
        row.correlation_id.clone(),
        row.request_id.clone(),
        row.summary.to_string(),
        row.previous_hash.clone(),
        row.hash.clone(),
    ]
    .into_iter()
}

impl Describe for Export {
    fn describe(sketch: &mut Sketch) {
        let row = sketch.schema::<AuditEntry>();
        let content = ContentBuilder::new().schema(Some(row)).build();
        let description = "The rows, the oldest first: a JSON object a line, or a table. It is cut off, without its last chunk, if the caller's credential or permission ends first.";
        sketch.answer(200, description, Some(("application/x-ndjson", content)));
        let text: RefOr<Schema> = ObjectBuilder::new().schema_type(Type::String).into();
        sketch.also(200, "text/csv", ContentBuilder::new().schema(Some(text)).build());
        sketch.answer_header(200, "Content-Disposition", "The name of the file.");
    }
}

#[cfg(test)]
mod tests {
    use super::{neutral, table};

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@sum", "\tx", "\r=1", "\n=1", "\u{ff1d}1"] {
            assert_eq!(neutral(formula), format!("'{formula}"));
        }
        for plain in ["", "1", "a=1", " =1"] {
            assert_eq!(neutral(plain), plain);
        }
        let row = ["=cmd|' /c calc'!a0", "a\"b", "c,d", "e\r\nf"].map(str::to_owned);
        let text = table(std::iter::once(row.into_iter())).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "'=cmd|' /c calc'!a0,\"a\"\"b\",\"c,d\",\"e\r\nf\"\r\n");
    }
}
