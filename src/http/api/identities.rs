//! `/v1/me/identities`.

use crate::domain::action::{LinkIdentity, ListIdentities, UnlinkIdentity};
use crate::domain::{
    Error, Identity, IdentityFilter, IdentityKey, IdentityLink, IdentityPart, MyIdentity,
};
use crate::http::body::Body;
use crate::http::context::AccountContext;
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Listed, NoContent, Plain, Reply};
use crate::identity::{Subject, Verified};
use crate::services::identities;

pub(in crate::http) async fn list(
    cx: AccountContext<ListIdentities>,
    query: Query<IdentityFilter>,
) -> Reply<Listed<MyIdentity>> {
    cx.list(query, |tx, _, page| identities::list(tx, page)).await
}

pub(in crate::http) async fn link(
    cx: AccountContext<LinkIdentity>,
    Body(link): Body<IdentityLink>,
) -> Reply<Plain<MyIdentity>> {
    // What is wrong with a token is told to those alone who may ask.
    cx.read(|_| Ok(())).await?;
    let verified = cx.verify(link.token.reveal()).await.map_err(|_| refused())?;
    let identity = vouched_for(&verified)?;
    cx.write(move |tx| identities::link(tx, &identity)).await.map(Plain)
}

pub(in crate::http) async fn unlink(
    cx: AccountContext<UnlinkIdentity>,
    Path(identity): Path<IdentityKey>,
) -> Reply<NoContent> {
    cx.write(move |tx| identities::unlink(tx, &identity)).await.map(|()| NoContent)
}

/// The identity that an issuer vouches for. Tokens of our own stand for accounts, not for identities.
fn vouched_for(verified: &Verified) -> Result<Identity, Error> {
    if verified.meant != Subject::Identity {
        return Err(refused());
    }
    let part = |text: &str| IdentityPart::parse(text).map_err(|_| refused());
    Ok(Identity { issuer: part(&verified.issuer)?, subject: part(&verified.subject)? })
}

fn refused() -> Error {
    Error::invalid("/token", "must be a good access token of a trusted issuer")
}
