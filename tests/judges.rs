mod support;
use support::{judge, template};
#[test]
fn all() {
    for which in ["good", "bad"] {
        let files = template::json_below(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/samples").join(which).join("templates"));
        for tool in judge::TOOLS {
            let t = std::time::Instant::now();
            for f in judge::judge(tool, &files) { println!("{which} {f}"); }
            println!("== {tool} {:?}", t.elapsed());
        }
    }
}
