//! Local AWS emulators and a fault proxy, each started on a free port of 127.0.0.1 with empty state.
//!
//! A `Server` lives as long as the value: dropping it, or the end of the test process in whatever way, ends the server and its
//! process group (`runners/tether.py` holds it). What it writes goes to `target/test-tools/logs`. None of the emulators is AWS:
//! each reports success for things that it has not done, so a test reads back through the service's own API.

use super::{http, tools};
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often a server that died at once (its port was taken in between) is started anew.
const ATTEMPTS: u32 = 3;

/// A running server; it ends when this is dropped.
pub struct Server {
    pub name: &'static str,
    /// `http://127.0.0.1:<port>`: what `AWS_ENDPOINT_URL` wants.
    pub url: String,
    pub port: u16,
    /// Both of its output streams.
    pub log: PathBuf,
    tether: Child,
}

/// Many services, CloudFormation's change sets and drift among them. An access key of twelve digits is an account of its own.
pub fn ministack() -> Server {
    let set = |command: &mut Command, port: u16| {
        command
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("PERSIST_STATE", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0");
    };
    start("ministack", "ministack", "/_ministack/health", set)
}

/// CloudFormation's failure semantics, for S3, SNS, SQS and Kinesis only; templates in JSON.
pub fn roto() -> Server {
    let set = |command: &mut Command, port: u16| {
        command.args(["--host", "127.0.0.1", "--ephemeral", "--port"]).arg(port.to_string());
    };
    start("roto", "roto-server", "/", set)
}

/// A proxy before another server, which does as `rules` say: throttles, is slow, fails, cuts or loses answers.
pub fn microburst(upstream: &Server) -> Server {
    let set = |command: &mut Command, port: u16| {
        command
            .args(["--upstream", &upstream.url, "--host", "127.0.0.1", "--port"])
            .arg(port.to_string());
    };
    start("microburst", "microburst", "/_microburst/health", set)
}

/// One ministack for the whole test process. Who uses it takes names, or an account, of their own.
pub fn shared_ministack() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(ministack)
}

/// One roto for the whole test process. Who uses it takes names of their own.
pub fn shared_roto() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(roto)
}

impl Server {
    /// The environment in which an AWS SDK talks to this server and to nobody else, as `account` (twelve digits; a server that
    /// knows only one account takes them for any key).
    pub fn env(&self, account: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ACCESS_KEY_ID", account.to_string()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_string()),
            ("AWS_CONFIG_FILE", "/dev/null".to_string()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_string()),
            ("NO_PROXY", "127.0.0.1".to_string()),
        ]
    }

    /// One HTTP request; `path` starts with a slash. Panics when there is no answer: that is a failure of the test's set-up.
    pub fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let url = format!("{}{path}", self.url);
        let answer = http::request(method, &url, headers, body, Duration::from_secs(60));
        answer.unwrap_or_else(|why| panic!("{}: {why}; see {}", self.name, self.log.display()))
    }

    /// microburst: replaces its rules. `rules` is a list, such as
    /// `[{"service": "cloudformation", "operation": "CreateChangeSet", "times": 2,
    ///    "error": {"code": "Throttling", "status": 400, "message": "Rate exceeded"}}]`,
    /// with `error`, `latency: {min, max}` (milliseconds), `reset: true` (connection) or `response: {truncate_frac | abort_bytes}`
    /// (the call is done upstream and its answer is cut or lost). An empty list ends the faults.
    pub fn faults(&self, rules: &Value) {
        let json = [("Content-Type", "application/json")];
        let (status, body) = self.http("POST", "/_microburst/rules", &json, &rules.to_string());
        assert!(status == 200, "{} refuses the rules {rules}: {status} {body}", self.name);
    }

    /// microburst: what it did since the last `forget_faults`, oldest first: objects with `service`, `operation`, `action`.
    pub fn fired(&self) -> Vec<Value> {
        let (status, body) = self.http("GET", "/_microburst/fired?limit=10000", &[], "");
        match serde_json::from_str(&body) {
            Ok(Value::Array(events)) if status == 200 => events,
            _ => panic!("{} does not say what it did: {status} {body}", self.name),
        }
    }

    /// microburst: empties the list of `fired`.
    pub fn forget_faults(&self) {
        let (status, body) = self.http("DELETE", "/_microburst/fired", &[], "");
        assert!(status == 200, "{}: {status} {body}", self.name);
    }

    /// microburst: its first request to a service loads that service's model, which takes seconds. This takes them beforehand.
    pub fn warm(&self, services: &[&str]) {
        for service in services {
            let scope = format!(
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            );
            let headers = [
                ("Authorization", scope.as_str()),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            let (method, body) = match *service {
                "cloudformation" => ("POST", "Action=ListStacks&Version=2010-05-15"),
                "iam" => ("POST", "Action=ListRoles&Version=2010-05-08"),
                "sts" => ("POST", "Action=GetCallerIdentity&Version=2011-06-15"),
                _ => ("GET", ""),
            };
            self.http(method, "/", &headers, body);
        }
    }
}

impl Server {
    /// Closes the pipe and goes: what the death of the test process does. For the test of this harness.
    pub fn abandon(mut self) {
        drop(self.tether.stdin.take());
        std::mem::forget(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.tether.stdin.take()); // the tether sees the end of its input and ends the server
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            match self.tether.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        let _ = self.tether.kill();
        let _ = self.tether.wait();
    }
}

fn start(
    name: &'static str,
    program: &str,
    health: &str,
    set: impl Fn(&mut Command, u16),
) -> Server {
    let bin = tools::python("emulators").join("bin");
    let home = tools::home();
    let (logs, scratch) = (home.join("logs"), home.join("scratch"));
    tools::create_dir(&logs);
    tools::create_dir(&scratch);
    forget_old_logs(&logs);
    for attempt in 1.. {
        // from choosing a port until the server holds it, no other test may choose: it could take our server for its own
        let choosing = tools::lock_file(&home.join("ports.lock"));
        let port = free_port();
        let log = logs.join(format!("{name}-{port}.log"));
        let output =
            File::create(&log).unwrap_or_else(|e| panic!("cannot create {}: {e}", log.display()));
        let errors = output.try_clone().expect("invariant: an open file can be duplicated");
        let mut command = Command::new(bin.join("python"));
        command
            .arg(tools::asset("runners/tether.py"))
            .arg(scratch.join(format!("{name}-{port}")))
            .arg(bin.join(program))
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1");
        for (key, _) in std::env::vars_os() {
            let key = key.to_string_lossy();
            let proxy = key.to_ascii_lowercase().ends_with("_proxy");
            if proxy
                || ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"].contains(&key.as_ref())
            {
                command.env_remove(key.as_ref());
            }
        }
        set(&mut command, port);
        let tether = command.spawn().unwrap_or_else(|e| panic!("cannot start {name}: {e}"));
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Server { name, url, port, log, tether };
        let health = format!("{}{health}", server.url);
        let end = Instant::now() + START_LIMIT;
        let died = loop {
            let answer = http::request("GET", &health, &[], "", Duration::from_secs(2));
            if let Ok(Some(status)) = server.tether.try_wait() {
                break status;
            }
            if answer.is_ok() {
                return server;
            }
            assert!(
                Instant::now() < end,
                "{name} does not answer within {} s: {}",
                START_LIMIT.as_secs(),
                last_words(&server)
            );
            std::thread::sleep(Duration::from_millis(50));
        };
        drop(choosing);
        assert!(attempt < ATTEMPTS, "{name} died at start ({died}): {}", last_words(&server));
    }
    unreachable!("invariant: the loop above returns or panics")
}

fn free_port() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).and_then(|s| s.local_addr());
    socket.unwrap_or_else(|e| panic!("no free port on 127.0.0.1: {e}")).port()
}

fn last_words(server: &Server) -> String {
    let text = fs::read_to_string(&server.log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!(
        "{} ends:\n{}",
        server.log.display(),
        lines[lines.len().saturating_sub(15)..].join("\n")
    )
}

/// Logs are of use while a failure is looked at: those older than a day go.
fn forget_old_logs(logs: &std::path::Path) {
    let old = |file: &fs::DirEntry| {
        let age = file.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        age.is_some_and(|age| age > Duration::from_secs(24 * 3600))
    };
    for file in fs::read_dir(logs).into_iter().flatten().flatten().filter(old) {
        let _ = fs::remove_file(file.path());
    }
}
