//! Who calls, and the request that the call belongs to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AccountId, ApiKeyId, BreakGlassId, Patterns, PrincipalId, ServiceAccountId, SessionId,
    TenantId, Timestamp, Word,
};

super::word::words! {
    /// What an operator may do on the platform plane.
    pub enum OperatorRole {
        /// Everything there.
        PlatformAdmin = "platform-admin",
        /// Sees tenants and diagnostics.
        Support = "support",
        /// Sees everything there, changes nothing.
        Auditor = "auditor",
    }
}

super::word::words! {
    /// Work that no caller asked for; audited by its name.
    pub enum SystemTask {
        /// Making a tenant's file, or finishing one after a crash.
        Provision = "provision",
        /// Applying migrations.
        Migrate = "migrate",
        /// Carrying memberships from a tenant's outbox to the registry.
        Project = "project",
        /// Anchoring a tenant's audit chain in the registry.
        Anchor = "anchor",
        /// Counting denials that were not written one by one.
        CountDenials = "count_denials",
        /// Checking a file when it is opened.
        Open = "open",
        /// Writing down what row-level security in mode shadow would have withheld.
        ReportWithheld = "report_withheld",
        /// Telling a tenant's file what became of a break-glass entry, and closing those whose time is over.
        BreakGlass = "break_glass",
        /// Letting somebody in who logged in at a provider.
        LogIn = "log_in",
        /// Writing down when sessions were last used, and forgetting those that are long over.
        KeepSessions = "keep_sessions",
        /// Examining files.
        Examine = "examine",
        /// Writing down what an issuer says of somebody's address.
        Hear = "hear",
        /// Letting somebody join a tenant by their mail domain.
        Join = "join",
        /// Closing invitations whose time is over.
        Invitations = "invitations",
        /// Making, retiring and mending the keys that sign.
        SigningKeys = "signing_keys",
        /// Taking back what its holder brought for it.
        Revoke = "revoke",
        /// Writing down when keys were last used.
        NoteUses = "note_uses",
        /// Sending events to webhooks.
        Deliver = "deliver",
        /// Letting go of audit rows that were kept long enough.
        Retain = "retain",
        /// Writing down what tenants use.
        CountUsage = "count_usage",
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person.
    Account(AccountId),
    /// A caller that is no person: of the tenant that the credential is for, or of the platform.
    ServiceAccount(ServiceAccountId),
    /// Whoever may open the local socket: the host's operator.
    Host,
    /// The program itself.
    System(SystemTask),
}

impl Subject {
    /// The subject in words, as audit rows name it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Account(id) => format!("account:{id}"),
            Self::ServiceAccount(id) => format!("service_account:{id}"),
            Self::Host => "host".to_owned(),
            Self::System(task) => format!("system:{}", task.as_str()),
        }
    }

    /// The subject that words name, where they name one that can be asked after.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.split_once(':') {
            Some(("account", id)) => id.parse().ok().map(Self::Account),
            Some(("service_account", id)) => id.parse().ok().map(Self::ServiceAccount),
            None if name == "host" => Some(Self::Host),
            _ => None,
        }
    }

    /// The account, where a person acts.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(*id),
            _ => None,
        }
    }

    /// The principal, where one acts that access-control entries can name.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        match self {
            Self::Account(id) => Some((*id).into()),
            Self::ServiceAccount(id) => Some((*id).into()),
            Self::Host | Self::System(_) => None,
        }
    }
}

/// The name by which a token is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenName {
    /// Who signed it.
    pub iss: Arc<str>,
    /// The tenant whose own issuer that is, if it is a tenant's: of another tenant the same address may have other keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<TenantId>,
    /// Its id.
    pub jti: Arc<str>,
}

/// The parts of a credential that can be revoked before it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocable {
    /// The token's own id (RFC 7519, `jti`); without one, a digest of what is signed. `None` for an API key.
    pub token: Option<Arc<str>>,
    /// The tokens that it was exchanged for, one after the other. It ends with the first of them that is revoked.
    pub exchanged_for: Vec<TokenName>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The log-in that it came of.
    pub session: Option<SessionId>,
    /// The API key that it is, or was exchanged for.
    pub api_key: Option<ApiKeyId>,
    /// Whether an issuer of the tenant's own signed it.
    pub by_tenant: bool,
    /// The sign-in that it comes of.
    pub signed_in: SignIn,
    /// Whether it stands for work that goes on after its answer, which no expiry ends: see [`Caller::lasting`].
    pub outlives: bool,
}

/// The sign-in of a person that a credential comes of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignIn {
    /// No sign-in that is revoked by its time: no person signed in, the session has a row of its own, or the host minted the
    /// token, which is a sign-in of that moment.
    #[default]
    Apart,
    /// The time that the issuer says (`auth_time`), if it says one.
    At(Option<Timestamp>),
}

impl SignIn {
    /// The sign-in of a token by its `auth_time`.
    #[must_use]
    pub fn of(auth_time_s: Option<i64>) -> Self {
        Self::At(auth_time_s.map(Timestamp::of_seconds))
    }
}

/// What was revoked of an account, by time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Tokens that were issued before this.
    pub tokens: Option<NotBefore>,
    /// Sign-ins until this time, it included.
    pub sign_ins: Option<Timestamp>,
}

impl Revocations {
    /// Whether a credential of the account is still valid. A sign-in counts only if it is surely later: `auth_time` is in
    /// whole seconds, so one within the second of the revocation does not count, and neither does one without a time.
    #[must_use]
    pub fn spare(&self, credential: &Revocable) -> bool {
        let is_revoked = self.tokens.is_some_and(|tokens| credential.is_before(tokens));
        let is_later = match (credential.signed_in, self.sign_ins) {
            (SignIn::Apart, _) | (_, None) => true,
            (SignIn::At(at), Some(until)) => at.is_some_and(|at| at > until),
        };
        is_later && !is_revoked
    }
}

/// When somebody took back every token that they had: by the time, and by an id of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBefore {
    /// When.
    pub at: Timestamp,
    /// An id that was made then: later than the id of every token that was signed before it.
    pub id: Uuid,
}

impl NotBefore {
    /// A time that was not when it was asked for: the first id of its millisecond.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let ms = u64::try_from(at.0.div_euclid(1000)).unwrap_or(0);
        Self { at, id: uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid() }
    }
}

impl Revocable {
    /// Whether it is older than that.
    #[must_use]
    pub fn is_before(&self, not_before: NotBefore) -> bool {
        match self.ordered() {
            Some(own) => own < not_before.id,
            // Whole seconds, of a clock that may be ahead of ours.
            None => self.issued_at.seconds() <= not_before.at.seconds().saturating_add(MAX_AHEAD_S),
        }
    }

    /// The token's id, where ids are in the order of time, as Freehold's own are: of the second that it was issued in, or
    /// of the one that began meanwhile.
    fn ordered(&self) -> Option<Uuid> {
        let id = Uuid::parse_str(self.token.as_deref()?).ok()?;
        let made = id.get_timestamp().filter(|_| id.get_version_num() == 7)?;
        let second = i64::try_from(made.to_unix().0).ok()?;
        (0..=1).contains(&second.saturating_sub(self.issued_at.seconds())).then_some(id)
    }
}

impl Default for Revocable {
    fn default() -> Self {
        Self {
            token: None,
            exchanged_for: Vec::new(),
            issued_at: Timestamp(i64::MAX),
            session: None,
            api_key: None,
            by_tenant: false,
            signed_in: SignIn::Apart,
            outlives: false,
        }
    }
}

/// How strongly a caller logged in (OpenID Connect Core, section 2; RFC 8176).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assurance {
    /// The authentication context class.
    pub acr: Option<String>,
    /// The methods used.
    pub amr: Vec<String>,
    /// When, in seconds since 1970.
    pub auth_time_s: Option<i64>,
}

/// Who acts for the subject of a token that the host mints.
pub const HOST: &str = "host";

/// The context class of tokens that the host mints: whoever opens its socket needs no stronger log-in.
pub const HOST_ACR: &str = "host";

/// Seconds by which the clock of an issuer may be ahead for its tokens to be good.
pub const MAX_AHEAD_S: i64 = 30;
/// Seconds by which clocks of issuers may be ahead.
const MAX_SKEW_S: i64 = 60;

/// What counts as a strong and recent log-in, and which actions demand one (RFC 9470).
#[derive(Debug, Clone, Default)]
pub struct AssurancePolicy {
    /// Context classes that count as strong.
    pub acr_values: Vec<String>,
    /// Methods of which any counts as strong (RFC 8176).
    pub amr_values: Vec<String>,
    /// Seconds for which a log-in counts as recent.
    pub max_age_s: i64,
    /// The actions that demand both.
    pub step_up: Patterns,
}

impl AssurancePolicy {
    /// Whether a log-in is strong.
    #[must_use]
    pub fn is_strong(&self, assurance: &Assurance) -> bool {
        let acr = assurance.acr.as_ref();
        acr.is_some_and(|acr| acr == HOST_ACR || self.acr_values.contains(acr))
            || assurance.amr.iter().any(|method| self.amr_values.contains(method))
    }

    /// Whether a log-in is recent.
    #[must_use]
    pub fn is_recent(&self, assurance: &Assurance, now: Timestamp) -> bool {
        let since = assurance.auth_time_s.map(|then| now.seconds().saturating_sub(then));
        // One that is yet to come is none: clocks differ by less than that.
        since.is_some_and(|seconds| (-MAX_SKEW_S..=self.max_age_s).contains(&seconds))
    }
}

/// A verified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub subject: Subject,
    /// The tenant that the credential is for; `None` for the platform.
    pub tenant: Option<TenantId>,
    /// Who signed the credential.
    pub issuer: Arc<str>,
    /// What of the credential can be taken back.
    pub credential: Arc<Revocable>,
    /// Who really acts, where it is not the subject (RFC 8693, section 4.1).
    pub actor: Option<Arc<str>>,
    /// How strongly the caller logged in.
    pub assurance: Arc<Assurance>,
    /// What the credential is narrowed to; `None` where it is not.
    pub scopes: Option<Arc<[String]>>,
    /// The break-glass entry that the request names.
    pub break_glass: Option<BreakGlassId>,
    /// Until when the credential is good.
    pub expires_at: Timestamp,
}

impl Caller {
    /// The host's operator, known by the local socket.
    #[must_use]
    pub fn host() -> Self {
        Self::of(Subject::Host, "host")
    }

    /// The program itself.
    #[must_use]
    pub fn system(task: SystemTask) -> Self {
        Self::of(Subject::System(task), "system")
    }

    fn of(subject: Subject, issuer: &str) -> Self {
        Self {
            subject,
            tenant: None,
            issuer: issuer.into(),
            credential: Arc::default(),
            actor: None,
            assurance: Arc::default(),
            scopes: None,
            break_glass: None,
            expires_at: Timestamp(i64::MAX),
        }
    }

    /// The caller of work that goes on after the answer to its request. Neither the expiry of the credential nor the end of
    /// its session ends the work; a revocation does, and whatever takes the right from the account.
    #[must_use]
    pub fn lasting(&self) -> Self {
        let own = &*self.credential;
        let signed_in = match own.session {
            Some(_) => SignIn::At(Some(own.issued_at)),
            None => own.signed_in,
        };
        let credential = Revocable { session: None, signed_in, outlives: true, ..own.clone() };
        let expires_at = Timestamp(i64::MAX);
        Self { credential: Arc::new(credential), expires_at, ..self.clone() }
    }

    /// The names of the tokens of which none may be revoked: the caller's own, and those that it was exchanged for.
    pub fn tokens(&self) -> impl Iterator<Item = TokenName> + '_ {
        let Revocable { token, by_tenant, exchanged_for, .. } = &*self.credential;
        let own = token.as_ref().map(|token| TokenName {
            iss: self.issuer.clone(),
            tid: self.tenant.filter(|_| *by_tenant),
            jti: token.clone(),
        });
        exchanged_for.iter().cloned().chain(own)
    }

    /// Who acts for the subject, as policies see it.
    #[must_use]
    pub fn actor_kind(&self) -> Option<super::ActorKind> {
        self.actor.as_deref().map(|actor| match actor {
            HOST => super::ActorKind::Host,
            _ => super::ActorKind::Other,
        })
    }
}

/// The key under which a request that changes something is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// What the client chose; 1 to 255 printable ASCII characters.
    pub key: Arc<str>,
    /// What the request was: a digest of its method, address and body.
    pub fingerprint: [u8; 32],
}

/// A caller and the request that the call belongs to.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who.
    pub caller: Arc<Caller>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// What connects everything that one cause brought about: the trace id (W3C Trace Context), or the request's id.
    pub correlation_id: Arc<str>,
    /// The key under which the request is done once, where the client gave one.
    pub idempotency: Option<IdempotencyKey>,
    /// The reservation that the request takes from, where it names one.
    pub reservation: Option<super::ReservationId>,
}

impl Call {
    /// The program's own call.
    #[must_use]
    pub fn system(task: SystemTask) -> Self {
        let id: Arc<str> = task.as_str().into();
        Self {
            caller: Arc::new(Caller::system(task)),
            request_id: id.clone(),
            correlation_id: id,
            idempotency: None,
            reservation: None,
        }
    }

    /// The program's own call, for what something else has brought about.
    #[must_use]
    pub fn caused(task: SystemTask, correlation_id: &str) -> Self {
        Self { correlation_id: correlation_id.into(), ..Self::system(task) }
    }

    /// The program's own call, for the sake of the same request.
    #[must_use]
    pub fn by_system(&self, task: SystemTask) -> Self {
        let caller = Arc::new(Caller::system(task));
        Self { caller, idempotency: None, reservation: None, ..self.clone() }
    }

    /// The same call, without its idempotency key: for the second and later transactions of one request.
    #[must_use]
    pub fn continued(&self) -> Self {
        Self { idempotency: None, ..self.clone() }
    }

    /// The same call, for work that goes on after the answer: see [`Caller::lasting`].
    #[must_use]
    pub fn lasting(&self) -> Self {
        Self { caller: Arc::new(self.caller.lasting()), ..self.continued() }
    }
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Uuid};

    use super::{Caller, NotBefore, Revocable, Revocations, SessionId, SignIn, Timestamp};

    fn id(ms: u64) -> Uuid {
        let time = uuid::Timestamp::from_unix(
            NoContext,
            ms / 1000,
            u32::try_from(ms % 1000).unwrap() * 1_000_000,
        );
        Uuid::new_v7(time)
    }

    fn token(id: Option<&str>, issued_at_s: i64) -> Revocable {
        let token = id.map(Into::into);
        Revocable { token, issued_at: Timestamp::of_seconds(issued_at_s), ..Revocable::default() }
    }

    #[test]
    fn tokens_are_told_apart_within_a_second_by_their_ids_and_others_by_the_second() {
        let not_before = NotBefore { at: Timestamp(100_500_000), id: id(100_500) };
        for (made, is_before) in
            [(100_499, true), (100_501, false), (99_000, true), (102_000, false)]
        {
            let second = i64::try_from(made / 1000).unwrap();
            let own = token(Some(&id(made).to_string()), second);
            assert_eq!(own.is_before(not_before), is_before, "{made}");
        }
        for odd in [None, Some("zzz"), Some("ffffffff-ffff-7fff-bfff-ffffffffffff"), Some("")] {
            assert!(token(odd, 100).is_before(not_before), "{odd:?}");
            assert!(token(odd, 99).is_before(not_before));
            assert!(token(odd, 130).is_before(not_before));
            assert!(!token(odd, 131).is_before(not_before));
        }
        assert!(!Revocable::default().is_before(not_before));
    }

    #[test]
    fn a_sign_in_counts_if_it_is_surely_later_than_the_revocation() {
        let until = |at| Revocations { tokens: None, sign_ins: Some(Timestamp(at)) };
        let by = |signed_in| Revocable { signed_in, ..Revocable::default() };
        for (auth_time, revoked, is_spared) in [
            (Some(99), 100_500_000, false),
            (Some(100), 100_500_000, false),
            (Some(101), 100_500_000, true),
            (Some(100), 100_000_000, false),
            (None, 0, false),
        ] {
            let spared = until(revoked).spare(&by(SignIn::of(auth_time)));
            assert_eq!(spared, is_spared, "{auth_time:?} {revoked}");
        }
        assert!(until(100).spare(&by(SignIn::Apart)));
        assert!(Revocations::default().spare(&by(SignIn::of(None))));
    }

    #[test]
    fn lasting_work_outlives_the_session_and_ends_with_the_sign_in() {
        let credential = Revocable {
            issued_at: Timestamp::of_seconds(100),
            session: Some(SessionId(id(1))),
            ..Revocable::default()
        };
        let caller = Caller { credential: credential.into(), ..Caller::host() }.lasting();
        assert_eq!((caller.credential.session, caller.credential.outlives), (None, true));
        let until = |at| Revocations { tokens: None, sign_ins: Some(Timestamp::of_seconds(at)) };
        assert!(until(99).spare(&caller.credential));
        assert!(!until(100).spare(&caller.credential));
    }
}
