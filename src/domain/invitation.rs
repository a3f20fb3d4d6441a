//! Invitations: somebody asked into a tenant, by an e-mail address or by an identity. Whoever takes one is compared with
//! what issuers say of them, never with what they say of themselves.

use serde::{Deserialize, Serialize};

use super::{
    AccountId, Conflict, Description, Email, Error, Identity, InvitationId, Name, PrincipalId,
    Result, Role, SearchText, Slug, TeamId, TenantId, Timestamp,
};

super::word::words! {
    /// The state of an invitation. It changes through [`InvitationState::to`] alone.
    pub enum InvitationState {
        /// Can be taken.
        Pending = "pending",
        /// Was taken.
        Accepted = "accepted",
        /// Was turned down by whom it was for.
        Declined = "declined",
        /// Was taken back.
        Revoked = "revoked",
        /// Its time was over before anybody took it.
        Expired = "expired",
    }
}

impl InvitationState {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        if self == Self::Pending && next != Self::Pending {
            Ok(next)
        } else {
            Err(Error::Conflict(Conflict::WrongState))
        }
    }

    /// The state at a time: what nobody has taken until its end is expired, written down or not.
    #[must_use]
    pub fn at(self, now: Timestamp, expires_at: Timestamp) -> Self {
        if self == Self::Pending && expires_at <= now { Self::Expired } else { self }
    }
}

/// Whom an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitee {
    /// Whoever an issuer says has this e-mail address.
    Email(Email),
    /// Whoever an issuer means so.
    Identity(Identity),
}

impl Invitee {
    /// Whom these are, where there is exactly one of them.
    #[must_use]
    pub fn of(email: Option<Email>, identity: Option<Identity>) -> Option<Self> {
        match (email, identity) {
            (Some(email), None) => Some(Self::Email(email)),
            (None, Some(identity)) => Some(Self::Identity(identity)),
            _ => None,
        }
    }

    /// The same in one word, by which it is found and compared.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Email(email) => address_of_email(email),
            Self::Identity(Identity { issuer, subject }) => format!("{issuer} {subject}"),
        }
    }

    /// The address, where it is one.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email) => Some(email),
            Self::Identity(_) => None,
        }
    }

    /// The identity, where it is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Email(_) => None,
            Self::Identity(identity) => Some(identity),
        }
    }
}

/// An e-mail address as it is compared: the whole of it, ASCII letters in lower case. Other letters are left as they are:
/// some of them become ASCII letters in lower case, and would be somebody else's address.
fn address_of_email(email: &Email) -> String {
    email.as_str().to_ascii_lowercase()
}

/// For whom an issuer speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// For everybody: the installation trusts it.
    Everybody,
    /// For the people of these tenants, in each there alone: they registered it.
    Tenants(Vec<TenantId>),
    /// For nobody: who it means is known, and nothing else that it says counts.
    Nobody,
}

impl Reach {
    /// Whether what the issuer says of people counts in a tenant.
    #[must_use]
    pub fn speaks_for(&self, tenant: TenantId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Tenants(own) => own.contains(&tenant),
            Self::Nobody => false,
        }
    }

    /// Whether whom the issuer means may be asked into a tenant so: another tenant's own issuer means nobody there.
    #[must_use]
    pub fn means_somebody_in(&self, tenant: TenantId) -> bool {
        !matches!(self, Self::Tenants(others) if !others.contains(&tenant))
    }
}

/// An identity of an account, with what its issuer last said of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIdentity {
    /// Whom the issuer means.
    pub identity: Identity,
    /// The e-mail address that it last gave.
    pub email: Option<Email>,
    /// Whether it said that the address is theirs.
    pub email_verified: bool,
    /// For whom the issuer speaks.
    pub reach: Reach,
}

impl KnownIdentity {
    /// The e-mail address, where the issuer says that it is theirs.
    #[must_use]
    pub fn verified_email(&self) -> Option<&Email> {
        self.email.as_ref().filter(|_| self.email_verified)
    }

    /// Whether an invitation into a tenant is for this identity.
    #[must_use]
    pub fn is_invitee(&self, address: &str, tenant: TenantId) -> bool {
        let by_identity = || Invitee::Identity(self.identity.clone()).address() == address;
        let by_email = || self.verified_email().is_some_and(|it| address_of_email(it) == address);
        (self.reach.means_somebody_in(tenant) && by_identity())
            || (self.reach.speaks_for(tenant) && by_email())
    }

    /// The addresses under which invitations for it are kept.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let identity = Invitee::Identity(self.identity.clone()).address();
        let email = self.verified_email().map(address_of_email);
        [Some(identity), email].into_iter().flatten().collect()
    }
}

/// What an issuer says of somebody's e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Of whom.
    pub identity: Identity,
    /// The address.
    pub email: Email,
    /// Whether it is theirs: the JSON value `true`, and nothing else.
    pub email_verified: bool,
}

/// An invitation into a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Invitation {
    /// The invitation's id.
    pub id: InvitationId,
    /// Whoever an issuer says has this e-mail address; `null` where it is for an identity.
    pub email: Option<Email>,
    /// Whoever an issuer means so; `null` where it is for an e-mail address.
    pub identity: Option<Identity>,
    /// What they will be in the tenant as a whole.
    pub role: Role,
    /// The teams that they will have a place in.
    pub team_ids: Vec<TeamId>,
    /// Its state.
    pub state: InvitationState,
    /// Who asked them in, and must be able to when they come.
    pub invited_by: PrincipalId,
    /// Who took it, or turned it down.
    pub account_id: Option<AccountId>,
    /// What whoever asked them in says to them.
    pub message: Description,
    /// Until when it can be taken.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Invitation {
    /// Seconds that one can be taken for, where nothing is said: a week.
    pub const DEFAULT_S: u32 = 7 * 86_400;
    /// Seconds that one can be taken for at least.
    pub const MIN_S: u32 = 3600;
    /// Seconds that one can be taken for at most.
    pub const MAX_S: u32 = 30 * 86_400;
    /// Teams of one at most.
    pub const MAX_TEAMS: usize = 20;
    /// Invitations of one request at most.
    pub const MAX_AT_ONCE: usize = 200;
    /// Pending invitations of a tenant at most.
    pub const MAX_PENDING: i64 = 10_000;
    /// Invitations of a tenant that are kept once they have ended; the audit log has them all. The registry keeps the
    /// same ones.
    pub const MAX_CLOSED: i64 = 1_000;
}

/// An invitation to be made; exactly one of `email` and `identity` says for whom.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Whoever an issuer says has this e-mail address.
    #[serde(default)]
    pub email: Option<Email>,
    /// Whoever an issuer means so.
    #[serde(default, deserialize_with = "super::object::maybe")]
    pub identity: Option<Identity>,
    /// What they will be in the tenant as a whole.
    pub role: Role,
    /// The teams that they will have a place in; 20 at most.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub team_ids: Vec<TeamId>,
    /// What to say to them.
    #[serde(default)]
    pub message: Option<Description>,
    /// Seconds that it can be taken for: an hour to thirty days; a week where nothing is said.
    #[serde(default)]
    #[schema(minimum = 3600, maximum = 2_592_000)]
    pub expires_in_s: Option<u32>,
}

/// Invitations to be made, all of them or none.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitations {
    /// Each of them; 1 to 200.
    #[serde(deserialize_with = "super::object::objects")]
    #[schema(min_items = 1, max_items = 200)]
    pub invitations: Vec<NewInvitation>,
}

/// Invitations that were made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MadeInvitations {
    /// Each of them, in the order of the request.
    pub items: Vec<Invitation>,
}

/// Which invitations are listed, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct InvitationFilter {
    /// In this state.
    pub state: Option<InvitationState>,
    /// For this e-mail address.
    #[param(value_type = Option<String>, max_length = 200)]
    pub email: Option<SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// What the registry must know of an invitation; part of the data of every `invitation.*` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Which one.
    pub id: InvitationId,
    /// For whom, by address.
    pub email: Option<Email>,
    /// For whom, by identity.
    pub identity: Option<Identity>,
    /// As what.
    pub role: Role,
    /// Its state.
    pub state: InvitationState,
    /// What is said to them.
    pub message: Description,
    /// Until when it can be taken.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<&Invitation> for Invited {
    fn from(invitation: &Invitation) -> Self {
        let Invitation { id, role, state, expires_at, created_at, .. } = *invitation;
        let (email, identity) = (invitation.email.clone(), invitation.identity.clone());
        let message = invitation.message.clone();
        Self { id, email, identity, role, state, message, expires_at, created_at }
    }
}

impl Invited {
    /// Whom it is for, in one word.
    #[must_use]
    pub fn address(&self) -> String {
        let invitee = Invitee::of(self.email.clone(), self.identity.clone());
        invitee.map(|invitee| invitee.address()).unwrap_or_default()
    }
}

/// An invitation, as whom it is for sees it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyInvitation {
    /// The invitation's id.
    pub id: InvitationId,
    /// The tenant that it is into.
    pub tenant_id: TenantId,
    /// That tenant's name in addresses.
    pub tenant_slug: Slug,
    /// What people call it.
    pub tenant_name: Name,
    /// What one will be there.
    pub role: Role,
    /// Its state.
    pub state: InvitationState,
    /// The e-mail address that it is for.
    pub email: Option<Email>,
    /// The identity that it is for.
    pub identity: Option<Identity>,
    /// What is said to whom it is for.
    pub message: Description,
    /// Until when it can be taken.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which of one's own invitations are listed: those that can be taken, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MyInvitationFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// What is sent to whom an invitation is for. Nothing here is secret: taking it needs the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letters {
    /// Where an invitation is taken; `{id}` and `{tenant}` stand for the invitation's id and the tenant's slug.
    pub link: String,
    /// What is written; besides, `{link}`, `{name}`, `{role}`, `{message}` and `{expires}` stand for what they say.
    pub text: String,
}

impl Letters {
    /// What may stand between braces in the link.
    pub const IN_LINK: &[&str] = &["id", "tenant"];
    /// What may stand between braces in the text.
    pub const IN_TEXT: &[&str] = &["id", "tenant", "link", "name", "role", "message", "expires"];

    /// The link and the text of an invitation into a tenant.
    #[must_use]
    pub fn write(&self, invitation: &Invitation, tenant: (&Slug, &Name)) -> (String, String) {
        let (slug, name) = tenant;
        let short = [("id", invitation.id.to_string()), ("tenant", slug.to_string())];
        let link = filled(&self.link, &short);
        let long = [
            ("link", link.clone()),
            ("name", name.to_string()),
            ("role", invitation.role.to_string()),
            ("message", invitation.message.to_string()),
            ("expires", invitation.expires_at.to_string()),
        ];
        let text = filled(&self.text, &[&short[..], &long].concat());
        (link, text)
    }

    /// What stands between braces in a text.
    #[must_use]
    pub fn placeholders(text: &str) -> Vec<&str> {
        let parts = text.split('{').skip(1);
        parts.filter_map(|part| part.split_once('}').map(|(name, _)| name)).collect()
    }
}

/// A text with its placeholders filled, in one go: what is filled in is not looked at again.
fn filled(text: &str, values: &[(&str, String)]) -> String {
    let mut parts = text.split('{');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part.split_once('}').and_then(|(name, rest)| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (value, rest))
        });
        match known {
            Some((value, rest)) => {
                made.push_str(value);
                made.push_str(rest);
            }
            None => {
                made.push('{');
                made.push_str(part);
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{Invitee, KnownIdentity, Letters, Reach, filled};
    use crate::domain::{Email, Identity, IdentityPart, TenantId};

    fn tenant(number: u128) -> TenantId {
        TenantId(uuid::Uuid::from_u128(number))
    }

    fn known(email: &str, email_verified: bool, reach: Reach) -> KnownIdentity {
        let part = |text: &str| IdentityPart::parse(text).unwrap();
        let identity = Identity { issuer: part("https://idp.example"), subject: part("ann") };
        KnownIdentity { identity, email: Some(Email::parse(email).unwrap()), email_verified, reach }
    }

    fn email(text: &str) -> String {
        Invitee::Email(Email::parse(text).unwrap()).address()
    }

    #[test]
    fn a_tenants_own_issuer_speaks_for_that_tenant_alone() {
        let (own, other) = (tenant(1), tenant(2));
        assert!(
            Reach::Tenants(vec![own]).speaks_for(own)
                && !Reach::Tenants(vec![own]).speaks_for(other)
        );
        assert!(Reach::Everybody.speaks_for(own) && Reach::Everybody.speaks_for(other));
        assert!(!Reach::Nobody.speaks_for(own));
        assert!(!Reach::Tenants(vec![own]).means_somebody_in(other));
        assert!(Reach::Nobody.means_somebody_in(own), "an identity is known by the registry");
    }

    #[test]
    fn an_address_counts_where_its_issuer_speaks_and_says_that_it_is_theirs() {
        let address = email("Ann@Example.com");
        let (own, other) = (tenant(1), tenant(2));
        let of = |verified, reach| known("ann@example.COM", verified, reach);
        assert!(of(true, Reach::Everybody).is_invitee(&address, own));
        assert!(!of(false, Reach::Everybody).is_invitee(&address, own));
        assert!(of(true, Reach::Tenants(vec![own])).is_invitee(&address, own));
        assert!(!of(true, Reach::Tenants(vec![own])).is_invitee(&address, other));
        assert!(!of(true, Reach::Nobody).is_invitee(&address, own));
    }

    #[test]
    fn an_identity_counts_but_in_the_tenant_of_another_issuer() {
        let known = |reach| known("x@example.com", false, reach);
        let address = "https://idp.example ann";
        assert!(known(Reach::Everybody).is_invitee(address, tenant(1)));
        assert!(known(Reach::Tenants(vec![tenant(1)])).is_invitee(address, tenant(1)));
        assert!(!known(Reach::Tenants(vec![tenant(1)])).is_invitee(address, tenant(2)));
        assert!(!known(Reach::Everybody).is_invitee("https://idp.example an", tenant(1)));
    }

    #[test]
    fn addresses_are_compared_whole_and_only_ascii_letters_lose_their_case() {
        // The sign of the kelvin is a k in lower case, and a dotted capital i is an i with a dot.
        for (one, other) in [
            ("kim@example.com", "\u{212a}im@example.com"),
            ("ivy@example.com", "\u{130}vy@example.com"),
            ("ann@example.com", "ann@mail.example.com"),
            ("ann@example.com", "ann+x@example.com"),
            ("ann@example.com", "ann@example.com.evil.example"),
        ] {
            assert_ne!(email(one), email(other), "{one} {other}");
        }
        assert_eq!(email("ANN@EXAMPLE.COM"), email("ann@example.com"));
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let values = [("a", "{b}".to_owned()), ("b", "no".to_owned())];
        assert_eq!(filled("x {a} {c} {b", &values), "x {b} {c} {b");
        assert_eq!(Letters::placeholders("a {b} c{d}{"), ["b", "d"]);
    }
}
