//! What row-level security in mode `shadow` delivers and would have withheld: counted as it is delivered, and written
//! down in the tenant's own file from time to time.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::{PrincipalId, ResourceId, Timestamp, Withheld, WithheldReason, Word};

/// Lines that are counted at once; what would make more is logged alone.
const MAX_LINES: usize = 10_000;

/// What was counted of one file.
#[derive(Debug, Default)]
pub(in crate::storage) struct Shadow {
    /// The lines that are not written down yet.
    lines: Mutex<HashMap<(PrincipalId, WithheldReason), Withheld>>,
    /// Held while lines are written down: who reads the report next waits for those that are on their way.
    pub(in crate::storage) writing: tokio::sync::Mutex<()>,
}

impl Shadow {
    /// Counts and logs a resource that is delivered.
    pub(in crate::storage) fn count(
        &self,
        principal_id: PrincipalId,
        reason: WithheldReason,
        resource: ResourceId,
        at: Timestamp,
    ) {
        tracing::info!(
            principal.id = %principal_id,
            resource.id = %resource,
            reason = reason.as_str(),
            "row-level security would have withheld a resource"
        );
        self.add(Withheld {
            principal_id,
            reason,
            rows: 1,
            last_resource_id: resource,
            created_at: at,
            updated_at: at,
        });
    }

    fn add(&self, more: Withheld) {
        let mut lines = self.lines.lock();
        let key = (more.principal_id, more.reason);
        if let Some(line) = lines.get_mut(&key) {
            let created_at = line.created_at.min(more.created_at);
            *line = Withheld { rows: line.rows + more.rows, created_at, ..more };
        } else if lines.len() < MAX_LINES {
            lines.insert(key, more);
        }
    }

    /// Takes the lines, to write them down.
    pub(in crate::storage) fn take(&self) -> Vec<Withheld> {
        std::mem::take(&mut *self.lines.lock()).into_values().collect()
    }

    /// Takes lines back that could not be written down.
    pub(in crate::storage) fn put_back(&self, lines: Vec<Withheld>) {
        for line in lines {
            self.add(line);
        }
    }
}
