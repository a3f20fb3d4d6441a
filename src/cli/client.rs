//! Requests to the local socket.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A client of the process that owns a data directory.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
}

impl Client {
    /// A client of a local socket.
    pub(super) fn new(socket: &Path) -> Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder().unix_socket(socket).tls_certs_only([]).build()?,
        })
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let mut request = self.http.request(method, format!("http://localhost{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request).await
    }

    /// Reads.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.ask(Method::GET, path, None).await
    }

    /// Makes what is not there yet.
    pub(super) async fn put_new<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.http.put(format!("http://localhost{path}"));
        read(request.header("if-none-match", "*")).await
    }

    /// Puts something else in the place of a thing as it stands in this version.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        version: i64,
        body: &Value,
    ) -> Result<T> {
        let request = self.http.put(format!("http://localhost{path}"));
        read(request.header("if-match", format!("\"{version}\"")).json(body)).await
    }

    /// Deletes a thing as it stands in this version.
    pub(super) async fn delete(&self, path: &str, version: i64) -> Result<()> {
        let request = self.http.delete(format!("http://localhost{path}"));
        let request = request.header("if-match", format!("\"{version}\""));
        good(request.send().await.context("the server does not answer")?).await.map(|_| ())
    }

    /// Sends JSON text, and returns the answer as it comes.
    pub(super) async fn send(&self, path: &str, body: Vec<u8>) -> Result<Response> {
        let request = self
            .http
            .post(format!("http://localhost{path}"))
            .header("content-type", "application/json");
        good(request.body(body).send().await.context("the server does not answer")?).await
    }

    /// Every item of a list, page by page.
    pub(super) async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        #[derive(serde::Deserialize)]
        struct Page<T> {
            items: Vec<T>,
            next_cursor: Option<String>,
        }
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}?limit=200{cursor}")).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let response = good(request.send().await.context("the server does not answer")?).await?;
    response.json().await.context("the answer cannot be read")
}

/// An answer that is no problem; a problem becomes an error that says everything the document says.
async fn good(response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let problem: Value = response.json().await.unwrap_or_default();
    let mut text = problem["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned);
    for error in problem["errors"].as_array().into_iter().flatten() {
        let (field, detail) = (
            error["field"].as_str().unwrap_or_default(),
            error["detail"].as_str().unwrap_or_default(),
        );
        text = format!("{text}\n  {field}: {detail}");
    }
    bail!("{text}")
}
