//! SQLite files: the registry, one file per tenant, and the doors to them.
//!
//! Promises: a statement runs in a transaction that was permitted for an action on a target; a tenant's store reaches
//! exactly one file; what is acknowledged is on the disk, with its audit row and its events; a file that is not the
//! one that the registry means is refused. Does not know HTTP, tokens or Cedar: it meets the decision point through
//! [`crate::domain::DecisionPoint`].
//!
//! A use case runs under the action that its transaction was permitted for:
//!
//! ```
//! use freehold::domain::{NewTeam, Team, action::CreateTeam};
//! use freehold::storage::WriteTx;
//!
//! fn right(tx: &mut WriteTx<'_, CreateTeam>, team: &NewTeam) -> freehold::domain::Result<Team> {
//!     freehold::services::teams::create(tx, team)
//! }
//! ```
//!
//! and under no other:
//!
//! ```compile_fail,E0277
//! use freehold::domain::{NewTeam, Team, action::ReadTeam};
//! use freehold::storage::WriteTx;
//!
//! fn wrong(tx: &mut WriteTx<'_, ReadTeam>, team: &NewTeam) -> freehold::domain::Result<Team> {
//!     freehold::services::teams::create(tx, team)
//! }
//! ```
//!
//! Only a door makes a transaction. One can be taken:
//!
//! ```
//! use freehold::domain::action::ListTeams;
//! use freehold::storage::ReadTx;
//!
//! fn taken(tx: ReadTx<'_, ListTeams>) -> ReadTx<'_, ListTeams> {
//!     tx
//! }
//! ```
//!
//! and not forged:
//!
//! ```compile_fail,E0451
//! use freehold::domain::action::ListTeams;
//! use freehold::storage::ReadTx;
//!
//! fn forged(tx: ReadTx<'_, ListTeams>) -> ReadTx<'_, ListTeams> {
//!     ReadTx { ..tx }
//! }
//! ```
//!
//! A result outlives its transaction:
//!
//! ```
//! use freehold::domain::{Call, TenantId, Timestamp, action::ReadTenant};
//! use freehold::storage::{TenantStore, Tx};
//!
//! fn kept(store: &TenantStore, call: &Call, tenant: TenantId) -> freehold::domain::Result<Timestamp> {
//!     store.read_blocking::<ReadTenant, _>(call, tenant, |tx| Ok(tx.now()))
//! }
//! ```
//!
//! and a transaction does not outlive its closure:
//!
//! ```compile_fail
//! use freehold::domain::{Call, TenantId, action::ReadTenant};
//! use freehold::storage::{ReadTx, TenantStore};
//!
//! fn escaped<'t>(store: &TenantStore, call: &Call, tenant: TenantId) -> freehold::domain::Result<&'t ReadTx<'t, ReadTenant>> {
//!     store.read_blocking::<ReadTenant, _>(call, tenant, |tx| Ok(tx))
//! }
//! ```
//!
//! The engine's version is there for whoever asks:
//!
//! ```
//! assert!(freehold::storage::sqlite_version().1 >= freehold::storage::OLDEST_SQLITE);
//! ```
//!
//! and its connections for nobody:
//!
//! ```compile_fail,E0603
//! use freehold::storage::engine::Conn;
//! ```

pub(crate) mod api_keys;
mod audit;
mod budget;
pub(crate) mod deliveries;
mod denials;
mod disk;
mod door;
mod engine;
mod entry;
mod examination;
mod gate;
mod idempotency;
mod identity;
mod migration;
mod open_tenants;
mod outbox;
mod projection;
mod provisioning;
mod queue;
pub(crate) mod registry;
mod service_accounts;
mod settings;
mod shadow;
pub(crate) mod tenant;
mod told;
mod turns;
mod unfit_values;
mod walks;
pub(crate) mod webhooks;
mod writer;

pub use api_keys::KnownKey;
pub use disk::{Faults, NoFaults, Operation};
pub use door::{ReadTx, Tx, WriteTx};
pub use engine::sqlite::{Contract, OLDEST_SQLITE, Setting, sqlite_version};
pub use examination::Mend;
pub use identity::check_registry;
pub use migration::{MayGoOn, OnProgress};
pub use registry::{AccountEntry, PlatformWork, Registry, RegistryAction, TenantEntry};
pub use settings::Settings;
pub use tenant::{Standing, TenantStore, TenantWork, unavailable};
