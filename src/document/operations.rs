//! The list of operations.

use poem_openapi::OpenApi;

use crate::api::Apis;

/// One sorted line per operation: `METHOD /path operationId`. A change of the API shows as one line.
pub fn operations() -> String {
    let mut lines: Vec<_> = Apis::meta()
        .iter()
        .flat_map(|api| &api.paths)
        .flat_map(|path| path.operations.iter().map(|operation| (path.path.as_str(), operation)))
        .map(|(path, operation)| format!("{} {path} {}\n", operation.method, operation.operation_id.unwrap_or_default()))
        .collect();
    lines.sort_unstable();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_one_line_each() {
        let operations = operations();
        assert!(operations.contains("POST /v1/events/{event_id}/orders claimSeats\n"));
        assert!(operations.lines().is_sorted());
        assert_eq!(operations.lines().count(), 24);
    }
}
