//! External decision points: any AuthZEN 1.0 PDP, asked by the doors before a change is queued.
//!
//! Promises: an answer comes within the time limit or counts as none; only status 200 with a boolean `decision` is an
//! answer; no redirect is followed; the token is shown to nobody. Requests run on a thread of their own, so that who waits
//! may block or not. Does not know what an answer is used for.

mod breaker;
mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

pub use self::breaker::BreakerSettings;
use self::client::Point;
use crate::domain::{
    ExternalDecisionPoint, ExternalDecisionPoints, Patterns, PlaneName, Secret, Slug, TenantId,
};
use crate::outbound::Outside;

/// How one decision point is asked.
#[derive(Debug, Clone)]
pub struct PointSettings {
    /// Where evaluations are asked for.
    pub url: String,
    /// The bearer token; empty for none.
    pub token: Secret,
    /// How long an answer may take, the waiting for a turn included.
    pub timeout: Duration,
    /// The actions of the tenant plane that it is asked about.
    pub actions: Patterns,
    /// The actions of the platform and account planes that it is asked about.
    pub platform_actions: Patterns,
    /// When it is left alone.
    pub breaker: BreakerSettings,
}

/// Who is asked.
#[derive(Debug, Clone, Default)]
pub struct ExternalSettings {
    /// For every tenant that has no other, and for the platform.
    pub installation: Option<PointSettings>,
    /// For single tenants, by id or slug; `None` for nobody.
    pub tenants: BTreeMap<String, Option<PointSettings>>,
}

/// What an address comes to in audit rows.
fn point_id(url: &Url) -> String {
    format!("external:{}", url.host_str().unwrap_or_default())
}

/// Whether a decision point can be asked as the settings say.
///
/// # Errors
/// Says why not: the host has no certificates of authorities, or the token is none.
pub fn check(settings: &PointSettings) -> Result<(), String> {
    let url: Url = settings.url.parse().map_err(|_| "is no URL".to_owned())?;
    client::client(&url, &settings.token).map(drop)
}

/// A decision point, and what it is asked about.
struct Asked {
    actions: Patterns,
    platform_actions: Patterns,
    point: Arc<dyn ExternalDecisionPoint>,
}

/// The decision points that are configured.
pub struct External {
    installation: Option<Asked>,
    tenants: BTreeMap<String, Option<Asked>>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("External")
    }
}

impl External {
    /// Makes ready to ask.
    ///
    /// # Errors
    /// A thread cannot be started; or what [`check`] says.
    pub fn start(settings: &ExternalSettings) -> Result<Self, String> {
        let nobody = settings.installation.is_none()
            && settings.tenants.values().all(|settings| settings.is_none());
        if nobody {
            return Ok(Self { installation: None, tenants: BTreeMap::new() });
        }
        let outside = Outside::start("decision-point")?;
        let asked = |settings: &PointSettings| {
            let point = Arc::new(Point::new(settings, outside.clone())?);
            tracing::info!(decision_point = point.id(), "a decision point is asked besides");
            Ok::<_, String>(Asked {
                actions: settings.actions.clone(),
                platform_actions: settings.platform_actions.clone(),
                point,
            })
        };
        let mut tenants = BTreeMap::new();
        for (name, settings) in &settings.tenants {
            tenants.insert(name.clone(), settings.as_ref().map(&asked).transpose()?);
        }
        let installation = settings.installation.as_ref().map(&asked).transpose()?;
        Ok(Self { installation, tenants })
    }

    /// Who is configured for a tenant: by its id before its slug, which another may have had.
    fn of(&self, tenant: TenantId, slug: &Slug) -> Option<&Asked> {
        let own = self.tenants.get(&tenant.to_string()).or_else(|| self.tenants.get(slug.as_str()));
        own.map_or(self.installation.as_ref(), Option::as_ref)
    }
}

impl ExternalDecisionPoints for External {
    fn asked(
        &self,
        plane: PlaneName,
        tenant: Option<(TenantId, &Slug)>,
        action: &str,
    ) -> Option<Arc<dyn ExternalDecisionPoint>> {
        let (asked, is_covered) = match (plane, tenant) {
            (PlaneName::Tenant, Some((tenant, slug))) => {
                let asked = self.of(tenant, slug)?;
                (asked, asked.actions.covers(action))
            }
            _ => {
                let asked = self.installation.as_ref()?;
                (asked, asked.platform_actions.covers(action))
            }
        };
        is_covered.then(|| asked.point.clone())
    }

    fn is_empty(&self) -> bool {
        self.installation.is_none() && self.tenants.values().all(Option::is_none)
    }
}
