//! What no conformance case can say: threads, processes, broken files, repeatability.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::*;
use crate::document;

fn options(account: &str) -> SandboxOptions {
    let mut options = SandboxOptions::new(AccountId::new(account).unwrap());
    options.clock = Clock::stepping("2026-01-01T00:00:00Z".parse().unwrap(), 1000);
    options
}

fn region() -> Region {
    Region::new("eu-west-1").unwrap()
}

fn request(stack: &str, template: &Value) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: StackAddress::new(&region(), stack),
        name: "first".into(),
        kind: ChangeSetKind::Create,
        template: TemplateSource::Inline(template.to_json()),
        parameters: BTreeMap::new(),
        tags: BTreeMap::new(),
        capabilities: Vec::new(),
        execution_role: None,
        imports: Vec::new(),
        token: "token".into(),
    }
}

fn deploy(sandbox: &Sandbox, stack: &str, template: &Value) -> Stack {
    let set = sandbox.create_change_set(&request(stack, template)).unwrap();
    sandbox.execute_change_set(&region(), &set, "run").unwrap();
    let at = StackAddress::new(&region(), stack);
    sandbox.describe_stack(&at).unwrap().unwrap()
}

fn two_topics() -> Value {
    document!({"Resources": {
        "A": {"Type": "AWS::SNS::Topic"},
        "B": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "A"}}}
    }})
}

#[test]
fn threads_and_handles_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(dir.path()).unwrap();
    let handles: Vec<Sandbox> =
        (0..2).map(|_| Sandbox::open(dir, options("111111111111")).unwrap()).collect();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let sandbox = &handles[at % 2];
            scope.spawn(move || {
                let stack = deploy(sandbox, &format!("stack-{at}"), &two_topics());
                assert_eq!(stack.status, StackStatus::CreateComplete);
            });
        }
    });
    for sandbox in &handles {
        let stacks = sandbox.list_stacks(&region()).unwrap();
        assert_eq!(stacks.len(), 8);
        assert!(stacks.iter().all(|stack| stack.status == StackStatus::CreateComplete));
    }
}

#[test]
fn one_of_many_writers_takes_a_lock_object() {
    let dir = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(dir.path()).unwrap();
    let sandbox = Sandbox::open(dir, options("111111111111")).unwrap();
    let bucket = document!({"BucketName": "acme-base"});
    sandbox.put_resource(&region(), "AWS::S3::Bucket", &bucket).unwrap();
    let at = ObjectAddress {
        bucket: BucketAddress {
            region: region(),
            bucket: crate::names::BucketName::new("acme-base").unwrap(),
            owner: AccountId::new("111111111111").unwrap(),
        },
        key: "lock".into(),
    };
    let taken = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| sandbox.put_object(&at, b"mine", PutCondition::Absent).is_ok()))
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(taken, 1);
}

#[test]
fn broken_files_are_errors_that_name_them() {
    for file in ["head.json", "body.json", "events.json", "things.json", "names.json"] {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        let sandbox = Sandbox::open(path, options("111111111111")).unwrap();
        let stack = deploy(&sandbox, "broken", &two_topics());
        let tail = stack.id.rsplit('/').next().unwrap();
        let place = path.join(format!("111111111111/eu-west-1/stacks/broken-{tail}/{file}"));
        fs_err::write(&place, "{\"half\":").unwrap();
        let at = StackAddress::new(&region(), "broken");
        let told = Sandbox::open(path, options("111111111111")).and_then(|sandbox| {
            sandbox.events(&at, None)?;
            sandbox.stack_resources(&at)?;
            sandbox.detect_drift(&at)
        });
        let error = told.expect_err(file).to_string();
        assert!(error.contains(file), "{file}: {error}");
    }
}

#[test]
fn faults_that_are_not_understood_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap();
    let sandbox = Sandbox::open(path, options("111111111111")).unwrap();
    fs_err::write(path.join("faults.json"), r#"{"explode": true}"#).unwrap();
    let error = sandbox.caller().unwrap_err().to_string();
    assert!(error.contains("faults.json") && error.contains("explode"), "{error}");
    fs_err::write(path.join("faults.json"), r#"{"deny": [{"call": "*"}]}"#).unwrap();
    assert!(matches!(sandbox.caller(), Err(CloudError::AccessDenied(_))));
    fs_err::remove_file(path.join("faults.json")).unwrap();
    assert!(sandbox.caller().is_ok());
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    let told = || {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        let sandbox = Sandbox::open(path, options("111111111111")).unwrap();
        deploy(&sandbox, "same", &two_topics());
        let at = StackAddress::new(&region(), "same");
        format!(
            "{:?} {:?}",
            sandbox.events(&at, None).unwrap(),
            sandbox.stack_resources(&at).unwrap()
        )
    };
    assert_eq!(told(), told());
}

#[test]
fn it_knows_nothing_of_the_planner() {
    let dir = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox");
    let mut folders = vec![dir];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let path = camino::Utf8PathBuf::from_path_buf(path).unwrap();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs_err::read_to_string(&path).unwrap();
            for part in text.split("crate::").skip(1) {
                let module = part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let allowed = ["catalogue", "cloud", "document", "names", "sandbox"];
                assert!(allowed.contains(&module) || module.is_empty(), "{path} uses {module}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}
