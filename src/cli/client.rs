//! Requests to the local socket.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain::{AccountId, Token};

/// Seconds for which a verb's own token is valid. An export must end before it expires.
const TOKEN_TTL_S: u32 = 3600;

/// A client of the process that owns a data directory.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Who asks, where that is not the host's operator.
    token: Option<String>,
}

impl Client {
    /// A client of a local socket.
    pub(super) fn new(socket: &Path) -> Result<Self> {
        let http = reqwest::Client::builder().unix_socket(socket).tls_certs_only([]).build()?;
        Ok(Self { http, token: None })
    }

    /// The same socket, in the name of an account in a tenant: by a token that the host mints for it, so that the
    /// account's own authority is what counts, and audit rows say that the host acted.
    pub(super) async fn as_account(&self, tenant: &str, account: &str) -> Result<Self> {
        let wanted = json!({ "tenant": tenant, "account": account, "ttl_s": TOKEN_TTL_S });
        let minted: Token = self.ask(Method::POST, "/v1/platform/tokens", Some(&wanted)).await?;
        Ok(Self { token: Some(minted.token), ..self.clone() })
    }

    /// The same socket, in the name of an account and for no tenant; of the host's operator where none is named.
    pub(super) async fn as_person(&self, account: Option<AccountId>) -> Result<Self> {
        let wanted = json!({ "account": account, "ttl_s": TOKEN_TTL_S });
        let minted: Token = self.ask(Method::POST, "/v1/platform/tokens", Some(&wanted)).await?;
        Ok(Self { token: Some(minted.token), ..self.clone() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://localhost{path}"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let mut request = self.request(method, path);
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
        read(self.request(Method::PUT, path).header("if-none-match", "*")).await
    }

    /// The same, with a body.
    pub(super) async fn put_new_with<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T> {
        read(self.request(Method::PUT, path).header("if-none-match", "*").json(body)).await
    }

    /// Puts something else in the place of a thing as it stands in this version.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        version: i64,
        body: &Value,
    ) -> Result<T> {
        let request = self.request(Method::PUT, path);
        read(request.header("if-match", format!("\"{version}\"")).json(body)).await
    }

    /// Changes a thing as it stands in this version.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        version: i64,
        body: &Value,
    ) -> Result<T> {
        let request = self.request(Method::PATCH, path);
        read(request.header("if-match", format!("\"{version}\"")).json(body)).await
    }

    /// Deletes a thing as it stands in this version.
    pub(super) async fn delete(&self, path: &str, version: i64) -> Result<()> {
        let request = self.request(Method::DELETE, path);
        let request = request.header("if-match", format!("\"{version}\""));
        good(request.send().await.context("the server does not answer")?).await.map(|_| ())
    }

    /// Sends JSON text, and returns the answer as it comes.
    pub(super) async fn send(&self, path: &str, body: Vec<u8>) -> Result<Response> {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        good(request.body(body).send().await.context("the server does not answer")?).await
    }

    /// Reads an answer that is no JSON, as it comes.
    pub(super) async fn read_raw(&self, path: &str) -> Result<Response> {
        let request = self.request(Method::GET, path);
        good(request.send().await.context("the server does not answer")?).await
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
            let joint = if path.contains('?') { '&' } else { '?' };
            let page: Page<T> = self.get(&format!("{path}{joint}limit=200{cursor}")).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}

/// A query string, of what there is.
pub(super) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let there = pairs.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(there).finish()
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
    let (status, path) = (response.status(), response.url().path().to_owned());
    let problem: Value = response.json().await.unwrap_or_default();
    let mut text = problem["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned);
    if status == StatusCode::NOT_FOUND {
        text = format!("{path}: {text}");
    }
    if let Some(newest) = problem["newest"].as_i64() {
        text = format!("{text} The newest is {newest}.");
    }
    for error in problem["errors"].as_array().into_iter().flatten() {
        let (field, detail) = (
            error["field"].as_str().unwrap_or_default(),
            error["detail"].as_str().unwrap_or_default(),
        );
        text = format!("{text}\n  {field}: {detail}");
    }
    bail!("{text}")
}
