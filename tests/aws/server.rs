//! Recorded answers over loopback: a server that plays one file of `tests/aws/recorded`.
//!
//! A file is a list of exchanges. `> service:Operation` opens one (S3 has `> s3:METHOD /path`),
//! `? key=value` names what the request must hold: a form parameter, a query parameter, a part of
//! a JSON body (`json:a.b`) or a header (`header:name`); `! key` what it must not. Then
//! `< status` and the body, or `< lost` (the connection ends without an answer), `< slow` (no
//! answer within the client's patience), `< cut status` (half of the body). Lines that begin with
//! `#` before the first exchange, or between `>` and `<`, are remarks.
//! Requests of one operation meet its exchanges in their order; what is asked beyond them, and what
//! is never asked, fails the test.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// sts:GetCallerIdentity, for files that do not have it: every connection begins with it.
const CALLER: &str = include_str!("recorded/_caller.http");

/// A server that plays one file. `finish` says what was wrong with the requests.
pub struct Recorded {
    pub url: String,
    played: Arc<Mutex<Played>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Played {
    exchanges: Vec<Exchange>,
    wrong: Vec<String>,
    /// The name of the last write (`x-amz-meta-lakewright-write`): `ECHO` in an answer.
    write: String,
}

#[derive(Debug, Clone, Default)]
struct Exchange {
    operation: String,
    holds: Vec<(String, String)>,
    lacks: Vec<String>,
    answer: String,
    body: String,
    used: bool,
}

impl Recorded {
    /// Plays `tests/aws/recorded/NAME.http` on a free port.
    pub fn play(name: &str) -> Recorded {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/recorded");
        let file = folder.join(format!("{name}.http"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Recorded::text(&text)
    }

    /// Plays a text of that form. `ENDPOINT` in it is the server's own URL.
    pub fn text(text: &str) -> Recorded {
        let mut exchanges = parsed(text);
        if !exchanges.iter().any(|it| it.operation == "sts:GetCallerIdentity") {
            exchanges.extend(parsed(CALLER));
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        for (_, value) in exchanges.iter_mut().flat_map(|it| &mut it.holds) {
            *value = value.replace("ENDPOINT", &format!("http://{address}"));
        }
        let played =
            Arc::new(Mutex::new(Played { exchanges, wrong: Vec::new(), write: String::new() }));
        let over = Arc::new(AtomicBool::new(false));
        let (playing, ending) = (played.clone(), over.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                let playing = playing.clone();
                thread::spawn(move || serve(stream, &playing));
            }
        });
        Recorded { url: format!("http://{address}"), played, over, thread: Some(thread) }
    }

    /// Every request was expected, and every exchange was used.
    pub fn finish(&self) {
        let played = self.played.lock().expect("no thread of the server panics");
        assert!(played.wrong.is_empty(), "{}", played.wrong.join("\n"));
        let unused: Vec<_> = played.exchanges.iter().filter(|it| !it.used).collect();
        assert!(unused.is_empty(), "never asked for: {unused:#?}");
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let address = self.url.trim_start_matches("http://");
        let _ = TcpStream::connect(address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn parsed(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut in_body = false;
    for line in text.lines() {
        if let Some(operation) = line.strip_prefix("> ") {
            exchanges
                .push(Exchange { operation: operation.trim().to_owned(), ..Exchange::default() });
            in_body = false;
            continue;
        }
        let Some(exchange) = exchanges.last_mut() else {
            continue;
        };
        if in_body {
            exchange.body.push_str(line);
            exchange.body.push('\n');
        } else if let Some(condition) = line.strip_prefix("? ") {
            let (key, value) = condition.split_once('=').expect("`? key=value`");
            exchange.holds.push((key.to_owned(), value.to_owned()));
        } else if let Some(key) = line.strip_prefix("! ") {
            exchange.lacks.push(key.to_owned());
        } else if let Some(answer) = line.strip_prefix("< ") {
            exchange.answer = answer.trim().to_owned();
            in_body = true;
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "`{line}`");
        }
    }
    for exchange in &mut exchanges {
        let end = exchange.body.trim_end().len();
        exchange.body.truncate(end);
        assert!(!exchange.answer.is_empty(), "no answer: {exchange:?}");
    }
    exchanges
}

/// One request a connection.
fn serve(mut stream: TcpStream, playing: &Mutex<Played>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let Some(request) = request(&mut stream) else {
        return;
    };
    let exchange = {
        let mut played = playing.lock().expect("no thread of the server panics");
        let found =
            played.exchanges.iter_mut().find(|it| !it.used && it.operation == request.operation);
        let (exchange, wrong) = match found {
            None => (None, vec![format!("unexpected: {request:?}")]),
            Some(exchange) => {
                exchange.used = true;
                let wrong = request.differs_from(exchange);
                (Some(exchange.clone()), wrong)
            }
        };
        played.wrong.extend(wrong);
        let write = request.parameters.get("header:x-amz-meta-lakewright-write");
        if let Some(write) = write {
            played.write.clone_from(write);
        }
        exchange.map(|mut exchange| {
            exchange.body = exchange.body.replace("ECHO", &played.write);
            exchange
        })
    };
    let (answer, body) = match &exchange {
        Some(exchange) => (exchange.answer.as_str(), exchange.body.as_str()),
        None => ("418", ""),
    };
    let words: Vec<&str> = answer.split_whitespace().collect();
    match words[..] {
        ["lost"] => {}
        ["slow"] => {
            // until the client hangs up, and not for ever
            let _ = stream.read(&mut [0]);
        }
        ["cut", status] => write_answer(&mut stream, status, body, true),
        [status] => write_answer(&mut stream, status, body, false),
        _ => panic!("`< {answer}`"),
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn write_answer(stream: &mut TcpStream, status: &str, body: &str, cut: bool) {
    // `[Name: value]` lines before the body are headers
    let mut headers = String::new();
    let mut rest = body;
    while let Some(line) = rest.lines().next()
        && let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
        && header.contains(": ")
    {
        headers.push_str(&format!("{header}\r\n"));
        rest = rest[line.len()..].trim_start_matches('\n');
    }
    let upto = if cut { rest.len() / 2 } else { rest.len() };
    let head = format!(
        "HTTP/1.1 {status} Recorded\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        rest.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&rest.as_bytes()[..upto]);
    let _ = stream.flush();
}

#[derive(Debug)]
struct Request {
    operation: String,
    parameters: BTreeMap<String, String>,
}

impl Request {
    fn differs_from(&self, exchange: &Exchange) -> Vec<String> {
        let mut wrong = Vec::new();
        for (key, value) in &exchange.holds {
            let found = self.parameters.get(key);
            if found != Some(value) {
                wrong
                    .push(format!("{}: `{key}` should be `{value}`, is {found:?}", self.operation));
            }
        }
        for key in &exchange.lacks {
            if let Some(found) = self.parameters.get(key) {
                wrong.push(format!("{}: `{key}` is there: {found}", self.operation));
            }
        }
        wrong
    }
}

fn request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    let mut parameters = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = name.trim().to_ascii_lowercase();
        parameters.insert(format!("header:{name}"), value.trim().to_owned());
    }
    let length =
        parameters.get("header:content-length").map_or(0, |length| length.parse().unwrap_or(0));
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            n => body.extend_from_slice(&buffer[..n]),
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.insert(decoded(key), decoded(value));
    }
    // the credential's scope names the service: key/date/region/service/aws4_request
    let service = parameters
        .get("header:authorization")
        .and_then(|it| it.split("Credential=").nth(1))
        .and_then(|it| it.split('/').nth(3))
        .unwrap_or("unsigned")
        .to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let operation = match service.as_str() {
        "s3" => format!("s3:{method} {}", path.trim_end_matches('/')),
        "lakeformation" => {
            let json = lakewright::document::Value::from_json(&text).unwrap_or_default();
            flatten("json:", &json, &mut parameters);
            format!("lakeformation:{}", path.trim_start_matches('/'))
        }
        _ => {
            for pair in text.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                parameters.insert(decoded(key), decoded(value));
            }
            let action = parameters.get("Action").cloned().unwrap_or_default();
            format!("{service}:{action}")
        }
    };
    if service == "s3" {
        parameters.insert("body".into(), text);
    }
    Some(Request { operation, parameters })
}

fn flatten(
    at: &str,
    value: &lakewright::document::Value,
    parameters: &mut BTreeMap<String, String>,
) {
    match value.as_map() {
        Some(map) => {
            for (key, value) in map.iter() {
                let dot = if at.ends_with(':') { "" } else { "." };
                flatten(&format!("{at}{dot}{key}"), value, parameters);
            }
        }
        None => {
            let text = value.as_str().map_or_else(|| value.to_json(), str::to_owned);
            parameters.insert(at.to_owned(), text);
        }
    }
}

/// A form's encoding.
fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
