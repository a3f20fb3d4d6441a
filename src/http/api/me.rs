//! `/v1/me`.

use crate::domain::Me;
use crate::domain::action::{EvaluateOwnAccess, ReadMe};
use crate::http::context::AccountContext;
use crate::http::reply::{Plain, Reply};
use crate::services::me;

pub(in crate::http) async fn read(cx: AccountContext<ReadMe>) -> Reply<Plain<Me>> {
    let me = cx.read(|tx| me::read(tx)).await?;
    let caller = cx.caller().clone();
    let permissions = cx
        .read_tenant::<EvaluateOwnAccess, _, _>(move |tx, tenant| {
            me::permissions(tx, &caller, tenant)
        })
        .await?;
    Ok(Plain(Me { permissions: permissions.unwrap_or_default(), ..me }))
}
