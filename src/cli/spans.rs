//! Spans for OpenTelemetry, sent as OTLP over HTTP: with the feature `otel`, and where an endpoint is configured.

#[cfg(feature = "otel")]
pub(super) use exported::{Spans, start};
#[cfg(not(feature = "otel"))]
pub(super) use kept::{Spans, start};

#[cfg(not(feature = "otel"))]
mod kept {
    use anyhow::{Result, ensure};
    use tracing_subscriber::layer::Identity;

    /// Nothing is sent.
    #[derive(Debug)]
    pub(in crate::cli) struct Spans;

    /// Sends nothing, and says so where something is to be sent.
    pub(in crate::cli) fn start(endpoint: &str) -> Result<(Identity, Spans)> {
        ensure!(
            endpoint.is_empty(),
            "otel.endpoint: this program was built without the feature otel"
        );
        Ok((Identity::new(), Spans))
    }
}

#[cfg(feature = "otel")]
mod exported {
    use anyhow::{Context, Result};
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
    use tracing_opentelemetry::OpenTelemetryLayer;
    use tracing_subscriber::Registry;

    /// What sends spans; what waits is sent when it goes.
    #[derive(Debug)]
    pub(in crate::cli) struct Spans(Option<SdkTracerProvider>);

    impl Drop for Spans {
        fn drop(&mut self) {
            if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
                tracing::warn!(error = %error, "the last spans could not be sent");
            }
        }
    }

    type SpanLayer = Option<OpenTelemetryLayer<Registry, SdkTracer>>;

    /// Sends spans to an endpoint, where there is one.
    pub(in crate::cli) fn start(endpoint: &str) -> Result<(SpanLayer, Spans)> {
        if endpoint.is_empty() {
            return Ok((None, Spans(None)));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .context("otel.endpoint")?;
        let resource = Resource::builder().with_service_name("freehold").build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("freehold"));
        Ok((Some(layer), Spans(Some(provider))))
    }
}
