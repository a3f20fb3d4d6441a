//! Callers: requests in one line, answers that can be asked.

use std::future::Future;
use std::ops::Index;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::runtime::{Builder, Handle};

/// Runs a future to its end. One thread drives the sockets of all tests.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    });
    RUNTIME.block_on(future)
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_certs_only([])
        .pool_idle_timeout(Duration::from_secs(2))
        .timeout(Duration::from_mins(1))
        .redirect(reqwest::redirect::Policy::none())
}

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| builder().build().unwrap());

/// Somebody who calls, at a server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    root: String,
    prefix: String,
    token: Option<String>,
    /// A header of every request.
    header: Option<(String, String)>,
}

impl Client {
    /// Without a credential.
    pub(crate) fn new(root: &str) -> Self {
        let (root, prefix) = (root.to_owned(), String::new());
        Self { http: HTTP.clone(), root, prefix, token: None, header: None }
    }

    /// By a local socket.
    pub(crate) fn local(socket: &Path) -> Self {
        let http = builder().unix_socket(socket).build().unwrap();
        let root = "http://localhost".to_owned();
        Self { http, root, prefix: String::new(), token: None, header: None }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same caller, with a header in every request.
    pub(crate) fn with_header(&self, name: &str, value: &str) -> Self {
        Self { header: Some((name.to_owned(), value.to_owned())), ..self.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The same caller, whose paths begin with this one.
    pub(crate) fn at(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }

    /// The same caller, whose paths begin at the root.
    pub(crate) fn root(&self) -> Self {
        self.at("")
    }

    /// A request, to be sent.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{}{path}", self.root, self.prefix));
        let request = match &self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        Request(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// A `POST` without a body.
    pub(crate) fn act(&self, path: &str) -> Answer {
        self.request("POST", path).send()
    }

    /// A change of a thing as it stands now.
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        let etag = self.get(path).etag();
        self.request("PATCH", path).header("if-match", &etag).json(body).send()
    }

    /// A deletion of a thing as it stands now.
    pub(crate) fn delete(&self, path: &str) -> Answer {
        let etag = self.get(path).etag();
        self.request("DELETE", path).header("if-match", &etag).send()
    }

    /// A `PUT` of what is not there yet.
    pub(crate) fn put_new(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path).header("if-none-match", "*").json(body).send()
    }

    /// A `PUT`, without a body, of what is not there yet.
    pub(crate) fn put_bare(&self, path: &str) -> Answer {
        self.request("PUT", path).header("if-none-match", "*").send()
    }

    /// A `PUT` over a thing as it stands now.
    pub(crate) fn put_over(&self, path: &str, body: &Value) -> Answer {
        let etag = self.get(path).etag();
        self.request("PUT", path).header("if-match", &etag).json(body).send()
    }

    /// Every item of a list, page by page.
    pub(crate) fn all(&self, path: &str, limit: u32) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}{joint}limit={limit}{cursor}")).expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return items };
            assert_eq!(page["items"].as_array().unwrap().len(), limit as usize, "a full page");
            cursor = format!("&cursor={next}");
        }
    }

    /// One member of each item of a list.
    pub(crate) fn column(&self, path: &str, member: &str) -> Vec<String> {
        let items = self.all(path, 200);
        items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
    }
}

/// A request in the making.
pub(crate) struct Request(reqwest::RequestBuilder);

impl Request {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// A body of a media type of its own.
    pub(crate) fn body(self, media_type: &str, body: impl Into<String>) -> Self {
        Self(self.0.header("content-type", media_type).body(body.into()))
    }

    pub(crate) fn send(self) -> Answer {
        run(self.answer())
    }

    async fn answer(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    /// Sends it to a server that may die of something else; the status of its answer, if all of it came.
    pub(crate) async fn attempt(self) -> Option<u16> {
        let answer = self.0.send().await.ok()?;
        let status = answer.status().as_u16();
        answer.bytes().await.ok().map(|_| status)
    }

    /// Sends it, and hands over the answer as it comes.
    pub(crate) fn open(self) -> reqwest::Response {
        run(async { self.0.send().await }).unwrap()
    }
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    /// The same, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The same, if all went well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        self
    }

    /// The same, if it is a problem of this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        let found = (self.status, self.json["code"].as_str().unwrap_or_default());
        assert_eq!(found, (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        self
    }

    /// The fields that a problem complains of.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The entity tag; one that nothing has, where there is none.
    pub(crate) fn etag(&self) -> String {
        let tag = self.header("etag");
        if tag.is_empty() { "\"0\"".to_owned() } else { tag.to_owned() }
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }

    /// A problem as two callers would compare it: without the request's id.
    pub(crate) fn anonymous(&self) -> (u16, Value) {
        let mut body = self.json.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("request_id");
        }
        (self.status, body)
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.json[member]
    }
}

/// Sends more creates at once than a limit allows: as many as it allows succeed, and the rest name it.
#[track_caller]
pub(crate) fn fill(most: usize, code: &str, create: impl Fn(usize) -> Request) {
    let mut requests = (0..most + 5).map(create);
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    // No more at once than one caller may have under way.
    loop {
        let answers = send_all(requests.by_ref().take(100).collect());
        if answers.is_empty() {
            break;
        }
        for answer in answers {
            if answer.status == 201 { made.push(answer) } else { refused.push(answer) }
        }
    }
    assert_eq!(made.len(), most, "{:?}", refused.first().map(|answer| &answer.text));
    for answer in refused {
        answer.problem(409, code);
    }
}

/// Sends requests all at once, and waits for every answer.
pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Answer> {
    run(futures_util::future::join_all(requests.into_iter().map(Request::answer)))
}
